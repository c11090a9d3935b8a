export type { Status } from './judge.js'
export { type ProbeResult, type VerifyOptions, verifyPlan } from './verify.js'
export { enteredWorld, runInWorld, type WorldSockets } from './world.js'
