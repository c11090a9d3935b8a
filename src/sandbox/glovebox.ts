import { randomUUID } from 'node:crypto'
import { type Boundary, boundaryNamed, isOfEngine, type TerminalSize } from '../boundary/index.js'
import { UsageError } from '../errors/index.js'
import { type HostFacts, lookAtHost, withEngine } from '../host/index.js'
import type { Plan } from '../plan/index.js'
import { type BoundaryName, isPolicy, type Policy } from '../policy/index.js'
import type { CollectedFile } from '../report/index.js'
import { inTime } from '../waiting/index.js'
import { Admission, type ConcurrencyOptions, roomOf } from './admission/index.js'
import { checkedArgv } from './argv.js'
import { closedError } from './closed.js'
import { checkSecrets } from './credentials/secrets-given.js'
import { Gateways, type NetworkOptions } from './gateways.js'
import { handedIn } from './handed-in.js'
import { checkStdin, inputFiles, stdinOf } from './inputs.js'
import type { Job } from './job.js'
import { JobNetwork } from './job-network.js'
import { laterRun } from './later-run.js'
import type { Run, RunOptions } from './options.js'
import { type Prepared, performed } from './performed.js'
import { boundaryOf, planFor, requireEnforceable } from './planner.js'
import { type WarmOptions, warmLimits } from './pool/index.js'
import { refusedRun } from './refused-run.js'
import { rootMaker } from './root-maker.js'
import { rootOf, sameRoot } from './roots.js'
import { JobRun } from './run.js'
import { RunCredentials } from './run-credentials.js'
import { Sources, type SourcesSettings } from './sources.js'
import { sweep } from './staging.js'
import { checkedSize, terminalOf } from './terminal.js'
import { Turn } from './turn.js'
import { wantedOf } from './wanted.js'

export interface GloveboxOptions {
  /** which boundary the runs will probably be on: what that needs is looked for, and started, now. Absent: `process` */
  readonly boundary?: BoundaryName
  readonly network?: NetworkOptions
  /**
   * Keep sandboxes that are there before their jobs are, as many as were asked for at once lately: a run takes one, once, and need not
   * wait for its start. `true`: within the default bounds; absent: none.
   */
  readonly warm?: boolean | WarmOptions
  /** how much runs at once, and how many wait, fairly between tenants; absent: as much as is asked for */
  readonly concurrency?: ConcurrencyOptions
}

/**
 * Starts sandboxes. Holds a launcher process, a gateway process once a policy has a network, and nothing global: two of them share nothing.
 * Close it when done; `await using` does.
 */
export class Glovebox {
  #host: HostFacts
  /** of an engine, once a run asks for one */
  #looking: Promise<void> | null = null
  readonly #sources: Sources
  readonly #admission: Admission | null
  readonly #plans = new WeakMap<Policy, Plan>()
  readonly #runs = new Map<JobRun, Promise<unknown>>()
  readonly #gateways: Gateways
  #sweeping: Promise<void> = Promise.resolve()
  #closing: Promise<void> | null = null

  private constructor(
    host: HostFacts,
    sources: SourcesSettings,
    { network = {}, concurrency }: GloveboxOptions,
  ) {
    this.#host = host
    this.#admission = concurrency === undefined ? null : new Admission(roomOf(concurrency), nowMs)
    this.#sources = new Sources(sources)
    this.#gateways = new Gateways(host, network)
  }

  /**
   * Looks at the host and starts the launcher, so that the first run need not. What killed processes of this user have left
   * on disk is removed meanwhile.
   */
  static async start(options: GloveboxOptions = {}): Promise<Glovebox> {
    const glovebox = Glovebox.startNow(options)
    if (options.boundary !== undefined && isOfEngine(options.boundary)) await glovebox.#lookForEngine()
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
    if (first !== null && first.unavailable(glovebox.#host) === null)
      glovebox.#sources.of(first, glovebox.#host)
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
    if (this.#lacksEngine(policy))
      return laterRun(
        this.#lookForEngine().then(() => () => this.run(policy, argv, options)),
        options.secrets ?? {},
      )
    let prepared: Prepared
    try {
      prepared = this.#prepare(policy, argv, options)
    } catch (error) {
      return refusedRun(error, options.secrets ?? {})
    }
    const { run } = prepared
    const running = performed(prepared, options)
    const tracked = running.then(
      () => this.#runs.delete(run),
      () => this.#runs.delete(run),
    )
    this.#runs.set(run, tracked)
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
   * Has so many sandboxes of a policy wait from now on, whether it is run or not, until this is closed or told another number; resolves
   * when they do. Needs `warm`.
   * @throws UsageError when so many may not wait, or none of this policy can: where TLS is inspected each has an authority of its own
   * @throws BoundaryUnavailableError when a promise of the policy can't be kept on this host
   * @throws LaunchError when one does not come up
   */
  async keepWarm(policy: Policy, count: number): Promise<void> {
    if (this.#lacksEngine(policy)) await this.#lookForEngine()
    this.#requireOpen()
    const { plan, boundary } = this.#planned(policy)
    requireEnforceable(plan, boundary, this.#host)
    await rootMaker(plan, {})?.(new AbortController().signal)
    await this.#sources.keepWarm(boundary, this.#host, plan, count)
  }

  /** The plan for a policy, as `run` would use it; its claims may be impossible on this host. */
  plan(policy: Policy): Plan {
    return this.#planned(policy).plan
  }

  /** Ends every run (its reason is `cancelled`) and the launcher; resolves when nothing is left. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const run of this.#runs.keys()) run.cancel()
      await inTime(Promise.all(this.#runs.values()), CLOSE_MS)
      await this.#sources.close()
      await this.#gateways.close()
      await Promise.all([...this.#runs.values(), this.#sweeping])
    })()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Only who wants one asks for it: it is another program, which may not be there. */
  #lacksEngine(policy: Policy): boolean {
    return isPolicy(policy) && isOfEngine(policy.boundary) && this.#host.engine === null
  }

  #lookForEngine(): Promise<void> {
    this.#looking ??= withEngine(this.#host).then((host) => {
      this.#host = host
    })
    return this.#looking
  }

  #planned(policy: Policy): { plan: Plan; boundary: Boundary } {
    if (!isPolicy(policy))
      throw new UsageError(
        'policy.unchecked',
        'This is not a checked policy.',
        'Make one with loadPolicy or parsePolicy.',
      )
    const boundary = boundaryOf(policy)
    // a name may have become another image's since
    const root = rootOf(policy, this.#host)
    const known = this.#plans.get(policy)
    const plan =
      known !== undefined && sameRoot(known.files.root, root)
        ? known
        : planFor(policy, boundary, this.#host, root)
    this.#plans.set(policy, plan)
    return { plan, boundary }
  }

  #prepare(policy: Policy, argv: readonly string[], options: RunOptions): Prepared {
    this.#requireOpen()
    const command = checkedArgv(argv)
    const { plan, boundary } = this.#planned(policy)
    requireEnforceable(plan, boundary, this.#host)
    const { tenant = null, secrets = {} } = options
    checkSecrets(plan.credentials, secrets)
    const asking = { tenant, memoryBytes: plan.limits.memoryBytes ?? 0 }
    this.#admission?.requireRoom(asking)
    const id = randomUUID()
    const credentials = new RunCredentials({
      credentials: plan.credentials,
      whose: { sandbox: id, tenant },
      secrets,
      cancel: options.signal ?? null,
    })
    const collected: Record<string, Uint8Array> = Object.create(null)
    const copied: CollectedFile[] = []
    const inputs = Promise.all([
      inputFiles(options.inputs ?? {}, plan, copied),
      checkStdin(options.stdin),
    ]).then(([files]) => files)
    inputs.catch(() => {}) // awaited when the run begins
    const run = new JobRun({
      plan,
      network: this.#network(plan, tenant),
      credentials: credentials.all,
      handedIn: handedIn(options),
      argv: command,
      makeRoot: rootMaker(plan, options),
      inputs,
      wanted: wantedOf(plan, options.outputs ?? [], collected),
      terminal: terminalOf(options.tty),
      stdin: stdinOf(options.stdin),
      cancel: options.signal ?? null,
      turn: new Turn(this.#admission, asking),
      onStarted: options.onStarted ?? null,
    })
    return {
      id,
      policy,
      plan,
      command,
      run,
      credentials,
      source: this.#sources.of(boundary, this.#host),
      collected,
      copied,
    }
  }

  #requireOpen(): void {
    if (this.#closing === null) return
    throw closedError()
  }

  /** The gateway is started here, if it is the first that is needed: it comes up beside the sandbox. */
  #network({ network }: Plan, tenant: string | null): Job['network'] {
    return network === null ? null : new JobNetwork(this.#gateways.of(tenant), network)
  }
}

/** How long cancelled runs get to end before their launcher ends them, ms. */
const CLOSE_MS = 5_000

const nowMs = () => Number(process.hrtime.bigint() / 1_000_000n)
