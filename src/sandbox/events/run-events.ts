/** What is told of one run, in order: `queued`, `started`, what comes meanwhile, `ended`. */
import type { SandboxEnd } from '../../boundary/index.js'
import { GloveboxError } from '../../errors/index.js'
import type { Attachment, NetworkListener } from '../../gateway/index.js'
import type { Plan } from '../../plan/index.js'
import type { NetworkAttempt, Usage } from '../../report/index.js'
import { attemptsOmitted, refusedDatagrams, type Told } from '../attempts.js'
import type { RunCredentials } from '../run-credentials.js'
import type { Verdict } from '../verdict.js'
import type { AttemptEvent, EndedEvent, GloveboxEvent, LeaseEvent, OfRun } from './event.js'
import { limitsReached } from './limits.js'
import { repeats } from './repeats.js'

export interface Whose {
  readonly id: string
  readonly tenant: string | null
  readonly plan: Plan
  readonly policySha256: string
  readonly credentials: Pick<RunCredentials, 'redact' | 'redactAll'>
}

/** Of an outcome, what is told. */
export interface Ending {
  readonly verdict: Verdict
  readonly isWarm: boolean
  readonly end: SandboxEnd
  readonly network: Told | null
}

/** Names and methods are the job's own words, as long as it likes. */
const MAX_TEXT = 256
const TEXTS = ['name', 'address', 'rule', 'method', 'problem'] as const

export class RunEvents implements NetworkListener {
  readonly #whose: Whose
  readonly #tell: (event: GloveboxEvent) => void
  readonly #attempts: NetworkAttempt[] = []
  /** what came before the command was said to run; `null`: that was said */
  #early: GloveboxEvent[] | null = []

  constructor(whose: Whose, tell: (event: GloveboxEvent) => void) {
    const { tenant, credentials } = whose
    this.#whose = { ...whose, tenant: tenant === null ? null : credentials.redact(tenant) }
    this.#tell = (event) => tell(bounded(credentials.redactAll(event)))
  }

  queued(): void {
    this.#tell({ kind: 'queued', ...this.#run() })
  }

  started(warm: boolean): void {
    this.#tell({ kind: 'started', ...this.#run(), warm })
    this.#nowInOrder()
  }

  /** From here on it hears of attempts, and of the leases, which have begun. */
  attached(attachment: Attachment): void {
    attachment.listener = this
    for (const { name, ended } of attachment.leases) {
      this.#lease(name, 'begun', null)
      if (ended !== null) this.leaseEnded(name, ended)
    }
  }

  attempts(all: readonly NetworkAttempt[]): void {
    const more = all.slice(this.#attempts.length)
    this.#attempts.push(...more)
    for (const each of more) this.#attempt(each)
  }

  leaseEnded(name: string, by: NonNullable<LeaseEvent['by']>): void {
    this.#lease(name, 'ended', by)
  }

  ended({ verdict, isWarm, end, network }: Ending, usage: Usage): void {
    this.#nowInOrder()
    const tried = network?.attempts ?? []
    this.attempts(tried)
    for (const each of repeats(this.#attempts, tried)) this.#attempt(each, new Date().toISOString())
    for (const each of refusedDatagrams(end)) this.#attempt(each)
    for (const each of limitsReached(this.#whose.plan.limits, verdict, end))
      this.#tell({ kind: 'limit', ...this.#run(), ...each })
    const { reason, exitCode, signal } = verdict
    this.#end({
      ...{ reason, exitCode, signal, code: null, warm: isWarm, usage },
      attemptsOmitted: attemptsOmitted(network, end),
    })
  }

  /** There is no result. */
  refused(error: unknown): void {
    this.#nowInOrder()
    const code = error instanceof GloveboxError ? error.code : null
    this.#end({
      ...{ reason: 'refused', exitCode: null, signal: null, code, warm: false, usage: null },
      attemptsOmitted: 0,
    })
  }

  #run(at = new Date().toISOString()): OfRun {
    const { id, tenant, plan, policySha256 } = this.#whose
    return { at, id, tenant, boundary: plan.boundary, policySha256 }
  }

  /** What the gateway tells may overtake what the sandbox does. */
  #inOrder(event: GloveboxEvent): void {
    if (this.#early === null) this.#tell(event)
    else this.#early.push(event)
  }

  #nowInOrder(): void {
    const early = this.#early ?? []
    this.#early = null
    for (const event of early) this.#tell(event)
  }

  /** A path, and which line of a policy would help, stand in the report alone: the first may itself be a key, the other is for people. */
  #attempt({ path: _, hint: __, at, ...attempt }: NetworkAttempt, toldAt = at): void {
    this.#inOrder({ kind: 'attempt', ...this.#run(toldAt), ...attempt })
  }

  #lease(name: string, state: LeaseEvent['state'], by: LeaseEvent['by']): void {
    this.#inOrder({ kind: 'lease', ...this.#run(), name, state, by })
  }

  #end(how: Omit<EndedEvent, 'kind' | keyof OfRun>): void {
    this.#tell({ kind: 'ended', ...this.#run(), ...how })
  }
}

/** After values were taken out: half of one would not be found. */
function bounded(event: GloveboxEvent): GloveboxEvent {
  return event.kind === 'attempt' ? { ...event, ...shortened(event) } : event
}

function shortened(event: AttemptEvent): Partial<AttemptEvent> {
  const long = TEXTS.filter((key) => (event[key]?.length ?? 0) > MAX_TEXT)
  return Object.fromEntries(long.map((key) => [key, `${event[key]?.slice(0, MAX_TEXT)}…`]))
}
