export { type Finding, findings, type Trial } from './doctor.js'
export { type Explanation, explanation, explanationText } from './explain.js'
