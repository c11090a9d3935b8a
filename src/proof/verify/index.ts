export type { Status } from './judge.js'
export { type ProbeResult, type VerifyOptions, verifyPlan } from './verify.js'
