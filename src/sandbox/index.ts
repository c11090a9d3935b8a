export { Glovebox, type Run, type RunOptions } from './glovebox.js'
export type { InputSource } from './inputs.js'
export { planFor, requireEnforceable, requirementsOf } from './planner.js'
export { RunResult } from './result.js'
