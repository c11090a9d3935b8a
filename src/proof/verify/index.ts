export { lookAround } from './around.js'
export { type Basis, type Change, changesOf } from './basis.js'
export { basisHere, type Verified } from './basis-here.js'
export type { WorldSockets } from './far-side.js'
export type { Status } from './judge.js'
export { junitXml } from './junit.js'
export { type Listed, listing, listingText } from './listing.js'
export {
  type Checked,
  checked,
  checkedText,
  RECEIPT_BYTES,
  type ReadReceipt,
  type Receipt,
  readReceipt,
  receiptOf,
} from './receipt.js'
export { selected } from './select.js'
export { verificationText } from './text.js'
export {
  type ClaimResult,
  type ClaimStatus,
  type Found,
  type ProbeOutcome,
  type Verification,
  verification,
} from './verification.js'
export { type ProbeResult, type VerifyOptions, verifyPlan } from './verify.js'
export { enteredWorld, hostInWorld, runInWorld } from './world.js'
