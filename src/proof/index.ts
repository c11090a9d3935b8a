export { type Explanation, explanation, explanationText } from './explain.js'
export { type Finding, findings, type Trial } from './doctor.js'
