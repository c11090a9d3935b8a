export {
  type Change,
  type Comparison,
  comparePlans,
  comparison,
  comparisonText,
  type Difference,
  type Side,
  widens,
} from './compare/index.js'
export { findings, type Trial } from './doctor.js'
export { type Explanation, explanation, explanationText } from './explain.js'
export type { Finding } from './finding.js'
export type { Opening, Way } from './openings.js'
export { explanationPage } from './page/index.js'
export type { Part } from './parts.js'
export { enteredWorld, type ProbeResult, runInWorld, type VerifyOptions, verifyPlan } from './verify/index.js'
export type { Wall } from './walls.js'
