/** Runs commands under plans, rather than policies: what `verify` needs, whose probes vary a plan's numbers. */
import type { Readable } from 'node:stream'
import { boundaryNamed, type InputFile, type SandboxSource } from '../boundary/index.js'
import { BoundaryUnavailableError } from '../errors/index.js'
import type { HostFacts } from '../host/index.js'
import { InForce, type LeftOff, type Plan } from '../plan/index.js'
import type { NetworkAttempt } from '../report/index.js'
import { networkAttempts } from './attempts.js'
import { Gateways, type NetworkOptions } from './gateways.js'
import { stdinOf } from './inputs.js'
import type { Job, Outcome } from './job.js'
import { JobNetwork } from './job-network.js'
import { isCopied, Room, surroundings, type WarmLimits, WarmSource } from './pool/index.js'
import { Reuse } from './reuse/index.js'
import { JobRun } from './run.js'
import { RunCredentials } from './run-credentials.js'
import { wantedOf } from './wanted.js'

export interface PlanRunOptions {
  /** copied in before the command starts, each with its mode: unlike a user's input, it may be a program */
  readonly inputs?: readonly InputFile[]
  /** what to collect when the job has ended, and into which host paths; write grants of the plan are left alone */
  readonly outputs?: Readonly<Record<string, string>>
  readonly stdin?: Uint8Array | Readable
  /** told of what it writes as it comes */
  readonly onStdout?: (chunk: Buffer) => void
  /** a value for each credential of the plan; what their own sources have is not asked for */
  readonly secrets?: Readonly<Record<string, string>>
  /** given, before the run begins, what ends a lease */
  readonly onRevocable?: (revoke: (name: string) => Promise<void>) => void
  /** called when a sandbox waits for the run, or, where none does, before one is made for it */
  readonly whileItWaits?: () => Promise<void>
  /** whose it is: only then a sandbox may be used again, where the plan says so */
  readonly tenant?: string
  /** arguments for the same program of a run before this one, in the same sandbox, where each has been used before */
  readonly before?: readonly string[]
  readonly terminal?: Job['terminal']
  readonly signal?: AbortSignal
  readonly onStarted?: Job['onStarted']
}

export interface PlanRun {
  readonly outcome: Outcome
  readonly stdout: Buffer
  readonly stderr: Buffer
  /** as the report would have them */
  readonly attempts: readonly NetworkAttempt[]
}

export interface PlanRunnerOptions {
  readonly network?: NetworkOptions
  /** mechanisms that are left off; for the tests that show which probe notices */
  readonly without?: LeftOff
  /** each sandbox has waited for its run before it takes it, where one of its plan can */
  readonly warm?: boolean
  /** each run is in a sandbox that another of the same tenant has been in, where one outlived it */
  readonly reused?: boolean
}

/** None waits but those that are about to be taken. */
const WARM: WarmLimits = { most: 0, memoryBytes: 0, idleMs: 60_000 }

/** Where a plan says nothing. */
const REUSE: NonNullable<Plan['lifetime']['reuse']> = {
  within: 'tenant',
  runs: 2,
  ageMs: 600_000,
  scratch: 'clean',
}

/** Like a `Glovebox`, it holds a launcher and, once a plan has a network, a gateway. Close it when done. */
export class PlanRunner {
  readonly #host: HostFacts
  readonly #source: SandboxSource
  readonly #warm: WarmSource | null
  readonly #gateways: Gateways
  readonly #inForce: InForce
  readonly #reuse: Reuse
  readonly #isReused: boolean
  #tenants = 0

  /** @throws BoundaryUnavailableError when this version has no such boundary */
  constructor(
    host: HostFacts,
    { boundary }: Plan,
    { network = {}, without, warm = false, reused = false }: PlanRunnerOptions = {},
  ) {
    const found = boundaryNamed(boundary)
    if (found === null)
      throw new BoundaryUnavailableError('boundary.notYet', `There is no boundary "${boundary}".`)
    this.#host = host
    this.#inForce = without === undefined ? InForce.all : new InForce(without)
    const source = found.open(host, false, this.#inForce)
    this.#warm = warm ? new WarmSource(source, new Room(WARM, surroundings), this.#inForce) : null
    this.#source = this.#warm ?? source
    this.#gateways = new Gateways(host, network, this.#inForce)
    this.#reuse = new Reuse({}, surroundings.nowMs, this.#inForce)
    this.#isReused = reused
  }

  get host(): HostFacts {
    return this.#host
  }

  /** What the first sandbox of a plan takes long for. @throws LaunchError */
  async prepare(plan: Plan): Promise<void> {
    await this.#source.prepare?.(plan)
  }

  /** @throws LaunchError when there was no sandbox */
  async run(
    plan: Plan,
    argv: readonly [string, ...string[]],
    options: PlanRunOptions = {},
  ): Promise<PlanRun> {
    const { before = [], inputs = [], secrets = {} } = options
    if (!this.#isReused) return await this.#run(plan, argv, options)
    const { lifetime } = plan
    const reusable = { ...plan, lifetime: { ...lifetime, reuse: lifetime.reuse ?? REUSE } }
    const tenant = options.tenant ?? `another ${++this.#tenants}`
    await this.#run(reusable, [argv[0], ...before], { inputs, secrets, tenant })
    return await this.#run(reusable, argv, { ...options, tenant })
  }

  async #run(plan: Plan, argv: readonly [string, ...string[]], options: PlanRunOptions): Promise<PlanRun> {
    // without a namespace there are no ends of it for a gateway to take
    const networked = this.#inForce.on('network-namespace') ? plan.network : null
    const network = networked === null ? null : new JobNetwork(this.#gateways, null, networked)
    const { secrets = {} } = options
    const credentials = new RunCredentials({
      credentials: plan.credentials.map((each) => ({ ...each, source: { kind: 'caller' } })),
      whose: { sandbox: 'plan', tenant: null },
      secrets,
      cancel: options.signal ?? null,
    })
    options.onRevocable?.((name) => credentials.revoke(name))
    const run = new JobRun({
      plan,
      network,
      credentials: credentials.all,
      handedIn: { names: [], stdin: null },
      argv,
      inputs: Promise.resolve(options.inputs ?? []),
      wanted: wantedOf({ ...plan, files: { ...plan.files, write: [] } }, options.outputs ?? {}, {}),
      terminal: options.terminal ?? null,
      stdin: stdinOf(options.stdin),
      cancel: options.signal ?? null,
      onStarted: options.onStarted ?? null,
      inForce: this.#inForce,
    })
    if (options.onStdout !== undefined) run.stdout.on('data', options.onStdout)
    const [stdout, stderr] = [run.stdout, run.stderr].map(kept) as [Promise<Buffer>, Promise<Buffer>]
    await this.#oneWaits(plan, network)
    await options.whileItWaits?.()
    const reused = this.#reuse.of(plan, options.tenant ?? null, this.#source)
    const outcome = await run.finish(reused ?? this.#source).finally(() => reused?.over())
    // a run that was ended before it took the one that waited for it
    if (!outcome.isWarm) await this.#warm?.forget(plan, network)
    const attempts = networkAttempts(outcome.network, outcome.end)
    return { outcome, stdout: await stdout, stderr: await stderr, attempts }
  }

  /** For the run that is about to begin. */
  async #oneWaits(plan: Plan, network: JobNetwork | null): Promise<void> {
    if (this.#warm === null || isCopied(plan)) return
    await this.#source.prepare?.(plan)
    await this.#warm.add(plan, network)
  }

  /** Ends every sandbox; resolves when nothing of them is left. */
  async close(): Promise<void> {
    await this.#reuse.close()
    await this.#source.close()
    await this.#gateways.close()
  }
}

/** All of a stream, to its end. */
export function kept(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  return new Promise((resolve) => stream.once('close', () => resolve(Buffer.concat(parts))))
}
