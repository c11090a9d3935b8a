import { boundaryNamed, isOfEngine, type TerminalSize } from '../boundary/index.js'
import { type HostFacts, lookAtHost } from '../host/index.js'
import type { Plan } from '../plan/index.js'
import type { Policy } from '../policy/index.js'
import { inTime } from '../waiting/index.js'
import { Admission, roomOf } from './admission/index.js'
import { checkedArgv } from './argv.js'
import { closedError } from './closed.js'
import { Events, type EventsOptions, type GloveboxEvent, type MissedEvents } from './events/index.js'
import { Gateways } from './gateways.js'
import { JobNetwork } from './job-network.js'
import { requireRunOptions, requireSessionOptions, requireStartOptions } from './known-options.js'
import { laterRun } from './later-run.js'
import type { Run, RunOptions } from './options.js'
import { type Prepared, performed } from './performed.js'
import { requireEnforceable } from './planner.js'
import { Plans } from './plans.js'
import { warmLimits } from './pool/index.js'
import { type Means, prepareRun } from './prepare-run.js'
import { refusedRun } from './refused-run.js'
import {
  Reuse,
  ReusedSource,
  type Session,
  type SessionOptions,
  sessionTerms,
  startSession,
} from './reuse/index.js'
import { rootMaker } from './root-maker.js'
import type { JobRun } from './run.js'
import { Sources, type SourcesSettings } from './sources.js'
import { sweep } from './staging.js'
import type { GloveboxOptions } from './start-options.js'
import { checkedSize } from './terminal.js'
import { Turn } from './turn.js'

/**
 * Starts sandboxes. Holds a launcher process, a gateway process once a policy has a network, and nothing global: two of them share nothing.
 * Close it when done; `await using` does.
 */
export class Glovebox {
  readonly #plans: Plans
  readonly #sources: Sources
  readonly #admission: Admission | null
  readonly #runs = new Map<JobRun, Promise<unknown>>()
  readonly #sessions = new Set<Session>()
  readonly #reuse: Reuse
  readonly #gateways: Gateways
  readonly #events = new Events()
  #sweeping: Promise<void> = Promise.resolve()
  #closing: Promise<void> | null = null

  private constructor(
    host: HostFacts,
    sources: SourcesSettings,
    { network = {}, concurrency, reuse = {} }: GloveboxOptions,
  ) {
    this.#plans = new Plans(host)
    this.#admission = concurrency === undefined ? null : new Admission(roomOf(concurrency), nowMs)
    this.#reuse = new Reuse(reuse, nowMs)
    this.#sources = new Sources(sources)
    this.#gateways = new Gateways(host, network)
  }

  /**
   * Looks at the host and starts the launcher, so that the first run need not. What killed processes of this user have left
   * on disk is removed meanwhile.
   */
  static async start(options: GloveboxOptions = {}): Promise<Glovebox> {
    requireStartOptions(options)
    const glovebox = Glovebox.startNow(options)
    if (options.boundary !== undefined && isOfEngine(options.boundary)) await glovebox.#plans.lookForEngine()
    return glovebox
  }

  /**
   * The same without waiting a turn. `single`: there will be one run, so nothing is prepared for a second.
   */
  static startNow({
    single = false,
    boundary = 'process',
    warm = false,
    ...options
  }: GloveboxOptions & { single?: boolean } = {}): Glovebox {
    const first = boundaryNamed(boundary)
    const sources = { single, warm: warmLimits(warm) }
    const glovebox = new Glovebox(lookAtHost(first?.hostPaths ?? []), sources, options)
    if (first !== null && first.unavailable(glovebox.#plans.host) === null)
      glovebox.#sources.of(first, glovebox.#plans.host)
    glovebox.#sweeping = sweep().catch(() => {}) // tried again at the next start
    return glovebox
  }

  /**
   * Runs one command in a fresh sandbox under `policy`. When it resolves, nothing of the sandbox is left.
   * @throws UsageError for a call that can't mean anything
   * @throws BoundaryUnavailableError when a promise of the policy can't be kept on this host
   * @throws CredentialError when a value of a credential can't be had, or is in what the job is given
   * @throws LaunchError when there was no sandbox
   * @throws BusyError when no more runs may wait, see `concurrency`
   */
  run(policy: Policy, argv: readonly string[], options: RunOptions = {}): Run {
    if (this.#plans.lacksEngine(policy))
      return laterRun(
        this.#plans.lookForEngine().then(() => () => this.run(policy, argv, options)),
        options,
      )
    let prepared: Prepared
    try {
      prepared = this.#prepare(policy, argv, options)
    } catch (error) {
      return refusedRun(error, options?.secrets ?? {})
    }
    return this.#perform(prepared, options)
  }

  #perform(prepared: Prepared, options: RunOptions): Run {
    const { run, source } = prepared
    const running = performed(prepared, options)
    const over = () => {
      this.#runs.delete(run)
      if (source instanceof ReusedSource) source.over()
    }
    this.#runs.set(run, running.then(over, over))
    return Object.assign(running, {
      stdout: run.stdout,
      stderr: run.stderr,
      resize: (size: TerminalSize) => run.resize(checkedSize(size)),
      revoke: (name: string) => prepared.credentials.revoke(name),
      redact: (text: string) => prepared.credentials.redact(text),
      knowsValues: () => prepared.credentials.knowsValues,
    })
  }

  /**
   * A sandbox of one tenant's for several commands, one after another; what one leaves in its folders the next one finds. It ends when it is
   * closed, after so many commands, at its age, when nothing is done in it, and with a command that has to be ended. It is held to
   * `concurrency` as one sandbox that runs, from its start to its end.
   * @throws UsageError for terms that make no sense, or are more than the policy's `lifetime.reuse`
   * @throws PolicyError when the organisation's ceiling lets no sandbox be used again
   * @throws BoundaryUnavailableError when a promise of the policy can't be kept on this host
   * @throws LaunchError when its sandbox does not come up
   * @throws BusyError when no more may wait for room
   */
  async session(policy: Policy, options: SessionOptions): Promise<Session> {
    if (this.#plans.lacksEngine(policy)) await this.#plans.lookForEngine()
    this.#requireOpen()
    const { boundary } = this.#plans.of(policy)
    requireSessionOptions(options)
    const { policy: own, tenant, ...terms } = sessionTerms(policy, options)
    const { plan } = this.#plans.of(own)
    requireEnforceable(plan, boundary, this.#plans.host)
    const signal = options.signal ?? null
    await rootMaker(plan, {})?.(signal ?? new AbortController().signal)
    const session = await startSession({
      ...terms,
      plan,
      signal,
      nowMs,
      source: this.#sources.of(boundary, this.#plans.host),
      network: this.#network(plan, tenant),
      turn: this.#turn(plan, tenant),
      run: (source, argv, given) => {
        const network = this.#network(plan, tenant)
        const turn = new Turn(this.#admission, { tenant, memoryBytes: 0 }, true)
        return this.#runIn({ policy: own, events: this.#events, plan, source, network, turn }, argv, {
          ...given,
          tenant,
        })
      },
      onEnded: (ended) => this.#sessions.delete(ended),
    })
    this.#sessions.add(session)
    if (this.#closing !== null) await session.close()
    return session
  }

  #runIn(means: Means, argv: readonly string[], options: RunOptions): Run {
    try {
      requireRunOptions(options)
      return this.#perform(prepareRun(means, checkedArgv(argv), options), options)
    } catch (error) {
      return refusedRun(error, options?.secrets ?? {})
    }
  }

  /**
   * Has so many sandboxes of a policy wait from now on, whether it is run or not, until this is closed or told another number; resolves
   * when they do. Needs `warm`.
   * @throws UsageError when so many may not wait, or none of this policy can
   * @throws BoundaryUnavailableError when a promise of the policy can't be kept on this host
   * @throws LaunchError when one does not come up
   */
  async keepWarm(policy: Policy, count: number): Promise<void> {
    if (this.#plans.lacksEngine(policy)) await this.#plans.lookForEngine()
    this.#requireOpen()
    const { plan, boundary } = this.#plans.of(policy)
    requireEnforceable(plan, boundary, this.#plans.host)
    await rootMaker(plan, {})?.(new AbortController().signal)
    const network = () => this.#network(plan, null)
    await this.#sources.keepWarm(boundary, this.#plans.host, { plan, network, count })
  }

  /** The plan for a policy, as `run` would use it; its claims may be impossible on this host. */
  plan(policy: Policy): Plan {
    return this.#plans.of(policy).plan
  }

  /**
   * What happens to runs that are accepted from this call on, until this is closed or its reader leaves.
   * @throws UsageError for a number that makes no sense, and once this is closed
   */
  events(options: EventsOptions = {}): AsyncIterableIterator<GloveboxEvent | MissedEvents> {
    this.#requireOpen()
    return this.#events.stream(options)
  }

  /** Ends every run (its reason is `cancelled`) and the launcher; resolves when nothing is left. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const run of this.#runs.keys()) run.cancel()
      await inTime(Promise.all(this.#runs.values()), CLOSE_MS)
      const kept = [this.#reuse, ...this.#sessions]
      await inTime(Promise.all(kept.map((each) => each.close())), CLOSE_MS)
      await this.#sources.close()
      await this.#gateways.close()
      await Promise.all([...this.#runs.values(), this.#sweeping])
      this.#events.close()
    })()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #prepare(policy: Policy, argv: readonly string[], options: RunOptions): Prepared {
    this.#requireOpen()
    requireRunOptions(options)
    const command = checkedArgv(argv)
    const { plan, boundary } = this.#plans.of(policy)
    const { tenant = null } = options
    const asking = { tenant, memoryBytes: plan.limits.memoryBytes ?? 0 }
    // who hears of runs hears of those, too
    if (!this.#events.areHeard) this.#admission?.requireRoom(asking)
    requireEnforceable(plan, boundary, this.#plans.host)
    const single = this.#sources.of(boundary, this.#plans.host)
    const means = {
      policy,
      events: this.#events,
      plan,
      source: this.#reuse.of(plan, tenant, single) ?? single,
      network: this.#network(plan, tenant),
      turn: new Turn(this.#admission, asking),
    }
    return prepareRun(means, command, options)
  }

  #turn({ limits }: Plan, tenant: string | null): Turn {
    return new Turn(this.#admission, { tenant, memoryBytes: limits.memoryBytes ?? 0 })
  }

  #requireOpen(): void {
    if (this.#closing === null) return
    throw closedError()
  }

  #network({ network }: Plan, tenant: string | null): JobNetwork | null {
    return network === null ? null : new JobNetwork(this.#gateways, tenant, network)
  }
}

/** How long cancelled runs get to end before their launcher ends them, ms. */
const CLOSE_MS = 5_000

const nowMs = () => Number(process.hrtime.bigint() / 1_000_000n)
