export type { WorldSockets } from './far-side.js'
export type { Status } from './judge.js'
export { type ProbeResult, type VerifyOptions, verifyPlan } from './verify.js'
export { enteredWorld, runInWorld } from './world.js'
