/** What is told of runs while they are under way. */
import type { BoundaryName } from '../../policy/index.js'
import type { CredentialLease, NetworkAttempt, Reason, Usage } from '../../report/index.js'

export const EVENT_KINDS = ['queued', 'started', 'attempt', 'lease', 'limit', 'ended'] as const
export type EventKind = (typeof EVENT_KINDS)[number]

/** What each event has. */
export interface OfRun {
  /** RFC 3339: when it happened; of an attempt, when it was made */
  readonly at: string
  /** of the run, as in its report */
  readonly id: string
  readonly tenant: string | null
  readonly boundary: BoundaryName
  /** of the effective policy, as in the report */
  readonly policySha256: string
}

/** The run was accepted. The first of each run, also where nothing bounds what runs at once. */
export interface QueuedEvent extends OfRun {
  readonly kind: 'queued'
}

/** Its sandbox took its command. Comes before all else that follows `queued`; a run that ends earlier has none. */
export interface StartedEvent extends OfRun {
  readonly kind: 'started'
  /** the sandbox had been started before the run asked for one, and waited */
  readonly warm: boolean
}

/**
 * The job tried something on the network. The first of each kind is told at once, and what was tried the same way again together, before
 * `ended`: the counts and bytes of all add up to those of the report. Texts are cut at 256 characters.
 */
export interface AttemptEvent
  extends OfRun,
    Pick<
      NetworkAttempt,
      | 'protocol'
      | 'name'
      | 'address'
      | 'port'
      | 'verdict'
      | 'rule'
      | 'sentBytes'
      | 'receivedBytes'
      | 'count'
      | 'method'
      | 'problem'
    > {
  readonly kind: 'attempt'
}

/** The life of a credential in this sandbox has begun, or ended. */
export interface LeaseEvent extends OfRun {
  readonly kind: 'lease'
  /** of the credential */
  readonly name: string
  readonly state: 'begun' | 'ended'
  /** by what it ended; `null`: it lives */
  readonly by: CredentialLease['ended'] | null
}

/** Keys of the policy whose numbers can end or hinder a job. */
export type LimitKey =
  | 'lifetime.deadline'
  | 'lifetime.noOutput'
  | 'limits.memory'
  | 'limits.output'
  | 'limits.processes'
  | 'limits.scratch'

/** The job ran into a limit. Told when the run ends. */
export interface LimitEvent extends OfRun {
  readonly kind: 'limit'
  readonly limit: LimitKey
  /** `hindered`: the job went on, or ended by something else */
  readonly effect: 'ended' | 'hindered'
}

/** Nothing of the run is left. The last of each run, exactly once. */
export interface EndedEvent extends OfRun {
  readonly kind: 'ended'
  /** `refused`: there is no result, its promise was rejected */
  readonly reason: Reason | 'refused'
  /** `null`: it was refused */
  readonly exitCode: number | null
  /** that ended the command, with reason `signal` */
  readonly signal: string | null
  /** of the error that it was refused with, e.g. `busy.queue` */
  readonly code: string | null
  readonly warm: boolean
  /** `null`: it was refused */
  readonly usage: Usage | null
  /** attempts that no event told of: the report's `networkOmitted` */
  readonly attemptsOmitted: number
}

export type GloveboxEvent = QueuedEvent | StartedEvent | AttemptEvent | LeaseEvent | LimitEvent | EndedEvent

/** A reader of a stream was too slow: so many events were left out here. */
export interface MissedEvents {
  readonly kind: 'missed'
  readonly count: number
}
