export type { ConcurrencyOptions } from './admission/index.js'
export { makeDisk } from './disks.js'
export type {
  AttemptEvent,
  EndedEvent,
  EventsOptions,
  GloveboxEvent,
  LeaseEvent,
  LimitEvent,
  LimitKey,
  MissedEvents,
  QueuedEvent,
  StartedEvent,
} from './events/index.js'
export { type Explained, explainPlan, hostFor, hostOf, planOf } from './explain-plan.js'
export type { NetworkOptions } from './gateways.js'
export { withoutGiven } from './given-values.js'
export { Glovebox } from './glovebox.js'
export { type ImageProgram, missingPrograms, SandboxWork } from './image/index.js'
export type { InputSource } from './inputs.js'
export type { Outcome } from './job.js'
export { abandoned, note, strike } from './journal.js'
export type { Run, RunOptions } from './options.js'
export { type PlanRun, PlanRunner, type PlanRunnerOptions, type PlanRunOptions } from './plan-runner.js'
export { planFor, requireEnforceable, requirementsOf } from './planner.js'
export { requireKeepable, type WarmOptions } from './pool/index.js'
export { RunResult } from './result.js'
export type { ReuseOptions, Session, SessionOptions, SessionRunOptions } from './reuse/index.js'
export { imageStore } from './roots.js'
export { Staging } from './staging.js'
export type { GloveboxOptions } from './start-options.js'
export type { TerminalOptions } from './terminal.js'
