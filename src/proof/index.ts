export { findings, type Trial } from './doctor.js'
export { type Explanation, explanation, explanationText } from './explain.js'
export type { Finding } from './finding.js'
