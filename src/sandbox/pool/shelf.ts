/** The sandboxes of one plan that wait. */
import type { RunningSandbox } from '../../boundary/index.js'
import { LaunchError } from '../../errors/index.js'
import type { Plan } from '../../plan/index.js'
import type { JobNetwork } from '../job-network.js'
import type { Launched } from '../launched.js'
import { Demand } from './demand.js'
import type { shownNow } from './shown.js'

/** What nobody waits for is tried again later and later, ms. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 60_000

interface Waiting {
  readonly launched: Launched<JobNetwork>
  /** see `shown.ts`, of before it was made */
  readonly shown: string
  readonly sinceMs: number
  /** lets go of its root */
  readonly release: () => void
}

/** One that is being made. */
interface Coming {
  readonly launched: Promise<Launched<JobNetwork>>
  readonly shown: string
  isTaken: boolean
}

export interface Making {
  readonly launch: () => Promise<Launched<JobNetwork>>
  /** holds its root, until what it returns is called */
  readonly hold: () => () => void
  readonly nowMs: () => number
}

export interface About {
  readonly nowMs: number
  /** as of `Demand` */
  readonly memoryMs: number
  /** see `shown.ts` */
  readonly shownNow: typeof shownNow
  /** one was lost while it waited */
  readonly onGone: () => void
}

export class Shelf {
  readonly plan: Plan
  /** each sandbox has another such, which it trusts from its first moment; `null`: they trust nothing */
  readonly network: JobNetwork | null
  readonly demand: Demand
  /** so many, whoever asks */
  atLeast = 0
  askedMs: number
  /** why the last one that was lost while it waited was; set by who wants to know to `null` */
  lost: Promise<Error> | null = null
  #waiting: Waiting[] = []
  #coming: Coming | null = null
  #failures = 0
  #notBeforeMs = 0
  readonly #about: About
  readonly #ending = new Set<Promise<unknown>>()

  constructor(plan: Plan, network: JobNetwork | null, about: About) {
    this.plan = plan
    this.network = network
    this.askedMs = about.nowMs
    this.demand = new Demand(about.memoryMs)
    this.#about = about
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** There, or on its way. */
  get count(): number {
    return this.waiting + (this.#coming === null || this.#coming.isTaken ? 0 : 1)
  }

  wanted(nowMs: number): number {
    return Math.max(this.atLeast, this.demand.atOnce(nowMs))
  }

  canMake(nowMs: number): boolean {
    return this.#coming === null && nowMs >= this.#notBeforeMs
  }

  /** The one that waits longest, and is still what would be made now; `null`: there is none. */
  take(nowMs: number): Launched<JobNetwork> | null {
    const shown = this.waiting > 0 ? this.#about.shownNow(this.plan) : ''
    for (let each = this.#waiting.shift(); each !== undefined; each = this.#waiting.shift()) {
      const { sandbox, network } = each.launched
      if (each.shown === shown && network?.isCurrent !== false) {
        each.release()
        this.#failures = 0
        const waited = { isWarm: true as const, waitedMs: nowMs - each.sinceMs }
        return { sandbox: Object.assign(sandbox, waited), network }
      }
      this.#discard(each)
    }
    return null
  }

  /** The one that is being made, for who asked first; `null`: there is none. Rejects as launching it does. */
  takeComing(): Promise<Launched<JobNetwork>> | null {
    const coming = this.#coming
    if (coming === null || coming.isTaken || coming.shown !== this.#about.shownNow(this.plan)) return null
    coming.isTaken = true
    return coming.launched
  }

  /** Makes one, to wait or for who has asked meanwhile. Never rejects: who needs one and gets none hears why from its own. */
  async make({ launch, hold, nowMs }: Making): Promise<Error | null> {
    let release = () => {}
    try {
      const shown = this.#about.shownNow(this.plan)
      release = hold()
      this.#coming = { launched: launch(), shown, isTaken: false }
      const launched = await this.#coming.launched
      if (this.#coming.isTaken) release()
      else this.#add({ launched, shown, sinceMs: nowMs(), release })
      return null
    } catch (error) {
      release()
      this.#failed(nowMs())
      return error instanceof Error ? error : new Error(String(error))
    } finally {
      this.#coming = null
    }
  }

  #add(waiting: Waiting): void {
    this.#waiting.push(waiting)
    const madeMs = waiting.sinceMs
    const { sandbox } = waiting.launched
    sandbox.commandEnd.then(() => {
      const at = this.#waiting.indexOf(waiting)
      if (at === -1) return
      this.#waiting.splice(at, 1)
      this.lost = whyLost(sandbox)
      this.#discard(waiting)
      this.#failed(madeMs)
      this.#about.onGone()
    })
  }

  #failed(nowMs: number): void {
    this.#notBeforeMs = nowMs + Math.min(FIRST_PAUSE_MS * 2 ** this.#failures++, LONGEST_PAUSE_MS)
  }

  /** Ends the oldest ones: those beyond `keep`, and those that wait since before `sinceMs`. */
  shrink(keep: number, sinceMs: number): void {
    while (this.waiting > keep || (this.#waiting[0]?.sinceMs ?? Number.POSITIVE_INFINITY) < sinceMs) {
      const oldest = this.#waiting.shift()
      if (oldest === undefined) return
      this.#discard(oldest)
    }
  }

  /** Those that no job could use: whoever made what they trust is gone, or would make something else. */
  discardUseless(): void {
    const useless = this.#waiting.filter(({ launched }) => launched.network?.isCurrent === false)
    this.#waiting = this.#waiting.filter((each) => !useless.includes(each))
    for (const each of useless) this.#discard(each)
  }

  #discard({ launched: { sandbox, network }, release }: Waiting): void {
    const ending = sandbox
      .end()
      .catch(() => {})
      .then(() => network?.release())
      .finally(release)
    this.#ending.add(ending)
    void ending.finally(() => this.#ending.delete(ending))
  }

  /** Resolves when none of them is left. */
  async end(): Promise<void> {
    await this.#coming?.launched.catch(() => {})
    this.shrink(0, 0)
    await Promise.all(this.#ending)
  }
}

/** Never rejects: perhaps nobody asks. */
async function whyLost(sandbox: RunningSandbox): Promise<Error> {
  const launchFailure = await sandbox.end().then(
    (end) => end.launchFailure,
    () => null,
  )
  return new LaunchError(
    'launch.failed',
    launchFailure?.what ?? 'A sandbox ended while it waited for its job.',
    launchFailure?.get ?? '',
  )
}
