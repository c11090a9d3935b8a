/**
 * Glovebox runs work you don't trust with nothing it doesn't need.
 *
 * ```ts
 * const glovebox = await Glovebox.start()
 * const result = await glovebox.run(loadPolicy('imagemagick'), ['convert', 'in.png', 'out.webp'], {
 *   inputs: { 'in.png': bytes }, outputs: ['out.webp'],
 * })
 * ```
 */
export {
  BoundaryUnavailableError,
  BusyError,
  CredentialError,
  GloveboxError,
  ImageError,
  LaunchError,
  PolicyError,
  type PolicyProblem,
  UsageError,
} from './errors/index.js'
export type { Claim, ClaimStatus, Plan } from './plan/index.js'
export { loadPolicy, type Policy, parsePolicy } from './policy/index.js'
export type { CollectedFile, CredentialLease, NetworkAttempt, Reason, Report, Usage } from './report/index.js'
export {
  type AttemptEvent,
  type ConcurrencyOptions,
  type EndedEvent,
  type EventsOptions,
  Glovebox,
  type GloveboxEvent,
  type GloveboxOptions,
  type InputSource,
  type LeaseEvent,
  type LimitEvent,
  type LimitKey,
  type MissedEvents,
  type NetworkOptions,
  type QueuedEvent,
  type ReuseOptions,
  type Run,
  type RunOptions,
  type RunResult,
  type Session,
  type SessionOptions,
  type SessionRunOptions,
  type StartedEvent,
  type TerminalOptions,
  type WarmOptions,
} from './sandbox/index.js'
