export { bubblewrapVersion } from './bubblewrap.js'
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
export { PROBES, type Probe, THREATS, UNPROBED, UNTRIED } from './probes/index.js'
export {
  type Basis,
  basisHere,
  type Checked,
  changesOf,
  checked,
  checkedText,
  enteredWorld,
  hostInWorld,
  junitXml,
  listing,
  listingText,
  lookAround,
  type ProbeResult,
  RECEIPT_BYTES,
  type ReadReceipt,
  type Receipt,
  readReceipt,
  receiptOf,
  runInWorld,
  selected,
  type Verification,
  type VerifyOptions,
  verification,
  verificationText,
  verifyPlan,
} from './verify/index.js'
export type { Wall } from './walls.js'
