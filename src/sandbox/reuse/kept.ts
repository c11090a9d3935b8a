/**
 * A sandbox that jobs of one tenant run in one after another, under one plan. Each of them sees a sandbox of its own, whose end is the job's:
 * what the job leaves running is dead by then, and what it leaves in its folders is as the plan says.
 */
import {
  type CommandEnd,
  type Emptied,
  placeMode,
  type RunningSandbox,
  type SandboxEnd,
  type UsedUntilNow,
} from '../../boundary/index.js'
import { LaunchError } from '../../errors/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import type { ReusePolicy } from '../../policy/index.js'
import { inTime } from '../../waiting/index.js'
import type { JobNetwork, RunNetwork } from '../job-network.js'
import type { Launched } from '../launched.js'
import { NEVER_LAUNCHED } from '../never-launched.js'
import { holdRoot } from '../roots.js'
import { since } from './used.js'

/** How long it may take to be made ready for another job, or to say what it has used, ms; one that takes longer is ended. */
const AGAIN_MS = 5_000

export interface KeptOptions {
  readonly plan: Plan
  readonly reuse: ReusePolicy
  readonly launch: () => Promise<Launched<JobNetwork>>
  readonly nowMs: () => number
  /** absent: all mechanisms */
  readonly inForce?: InForce
  /** called once, when no other job can run in it; nothing of it need be gone by then */
  readonly onOver?: (why: string) => void
}

export class KeptSandbox {
  readonly #options: KeptOptions
  readonly #emptied: Emptied
  #runs = 0
  #startedMs: number | null = null
  #isWarm = false
  /** a job has it, or is about to */
  #isTaken = false
  /** for the next job; rejects when there is none */
  #ready: Promise<RunningSandbox> | null = null
  #network: JobNetwork | null = null
  #used: UsedUntilNow = NEVER_LAUNCHED
  #over: string | null = null
  #ended: Promise<unknown> = Promise.resolve()
  #letGo: () => void = () => {}

  constructor(options: KeptOptions) {
    this.#options = options
    this.#emptied = emptiedFor(options)
  }

  /** jobs that have been started in it */
  get runs(): number {
    return this.#runs
  }

  /** why no other job can run in it; `null`: one can */
  get over(): string | null {
    return this.#over ?? this.#spent()
  }

  /** no job has it, nor may one still get it that nobody waits for any more */
  get isFree(): boolean {
    return this.over === null && !this.#isTaken
  }

  /** whether its network can still be had */
  get isCurrent(): boolean {
    return this.#network === null || !this.#network.isTrusted || this.#network.isCurrent
  }

  /** Starts it, if it has not been. @throws LaunchError */
  async start(): Promise<void> {
    this.#ready ??= this.#launch()
    await this.#ready
  }

  /** Whether another job can run in it, once what the last one left is cleared away. */
  async isReady(): Promise<boolean> {
    await this.#ready?.catch(() => {})
    return this.over === null
  }

  /** For one job, which ends it by `end`. @throws LaunchError when there is no sandbox any more, or there never was */
  async take(): Promise<Launched> {
    const { over } = this
    if (over !== null) throw noMore(over)
    this.#isTaken = true
    await this.start()
    const sandbox = await this.#current()
    this.#runs++
    return { sandbox: this.#forOne(sandbox), network: this.#network === null ? null : lent(this.#network) }
  }

  /** What is in it while no job runs. @throws LaunchError as `take` does */
  async between<T>(use: (sandbox: RunningSandbox) => Promise<T>): Promise<T> {
    if (this.#over !== null) throw noMore(this.#over)
    return use(await this.#current())
  }

  /** Ends it, whatever runs in it; resolves when nothing of it is left. May be called again. */
  async end(why: string): Promise<void> {
    this.#isOver(why)
    const ready = this.#ready
    this.#ready = null
    if (ready !== null)
      this.#ended = ready.then(
        (sandbox) => sandbox.end(),
        () => {},
      )
    await this.#ended
    this.#letGo()
    await this.#network?.release()
  }

  async #launch(): Promise<RunningSandbox> {
    try {
      this.#letGo = holdRoot(this.#options.plan, process.geteuid?.() ?? 0)
      const { sandbox, network } = await this.#options.launch()
      this.#startedMs = this.#options.nowMs() - (sandbox.waitedMs ?? 0)
      this.#isWarm = sandbox.isWarm ?? false
      this.#network = network
      this.#watch(sandbox)
      return sandbox
    } catch (error) {
      this.#letGo()
      this.#isOver('it did not start')
      throw error
    }
  }

  /** One that ends while no job runs in it. */
  #watch(sandbox: RunningSandbox): void {
    void sandbox.commandEnd.then(({ kind }) => {
      if (kind === 'lost') this.#isOver('it was ended from outside')
    })
  }

  async #current(): Promise<RunningSandbox> {
    if (this.#ready === null) throw noMore(this.#over ?? 'it was ended')
    return await this.#ready.catch((error) => {
      throw this.#runs === 0 ? error : noMore(this.#over ?? 'it was ended')
    })
  }

  #spent(): string | null {
    const { reuse, nowMs } = this.#options
    if (this.#runs >= reuse.runs) return `it has had its ${reuse.runs} runs (lifetime.reuse.runs)`
    if (this.#startedMs !== null && nowMs() - this.#startedMs >= reuse.ageMs)
      return 'it is as old as it may become (lifetime.reuse.age)'
    return null
  }

  #isOver(why: string): void {
    if (this.#over !== null) return
    this.#over = why
    this.#options.onOver?.(why)
  }

  #forOne(sandbox: RunningSandbox): RunningSandbox {
    let ended: Promise<SandboxEnd> | null = null
    let how: CommandEnd | null = null
    void sandbox.commandEnd.then((end) => {
      how = end
    })
    return {
      ...(this.#isWarm && this.#runs === 1 ? { isWarm: true as const } : {}),
      turn: { run: this.#runs, of: this.#options.reuse.runs },
      stdin: sandbox.stdin,
      stdout: sandbox.stdout,
      stderr: sandbox.stderr,
      network: sandbox.network,
      commandEnd: sandbox.commandEnd,
      run: (command) => sandbox.run(command),
      signal: (signal) => sandbox.signal(signal),
      resize: (size) => sandbox.resize(size),
      collect: (place, below) => sandbox.collect(place, below),
      end: () => {
        ended ??= this.#endOfOne(sandbox, how)
        return ended
      },
    }
  }

  async #endOfOne(sandbox: RunningSandbox, how: CommandEnd | null): Promise<SandboxEnd> {
    const before = this.#used
    const used = endedByItself(how) && this.over === null ? await this.#usedBy(sandbox) : null
    if (used === null) {
      this.#isOver(this.over ?? whyOver(how))
      this.#ready = null
      const ending = sandbox.end()
      this.#ended = ending.catch(() => {})
      const end = await ending
      return { ...end, ...since(before, end) }
    }
    this.#used = used
    this.#isTaken = false
    this.#ready = this.#again(sandbox)
    this.#ready.catch(() => {}) // who comes next hears of it
    return { ...used, ...since(before, used), launchFailure: null, lost: null }
  }

  /** `null`: it is of no use any more */
  async #usedBy({ reusable }: RunningSandbox): Promise<UsedUntilNow | null> {
    const used = await inTime(reusable?.used().catch(() => null) ?? Promise.resolve(null), AGAIN_MS)
    return used === undefined || used === null || used.outOfMemory ? null : used
  }

  async #again(sandbox: RunningSandbox): Promise<RunningSandbox> {
    try {
      const again = sandbox.reusable?.again(this.#emptied)
      const next = await inTime(again ?? Promise.reject(noMore('it has one command')), AGAIN_MS)
      if (next === undefined) throw noMore('it was not ready for another job in time')
      this.#watch(next)
      return next
    } catch (error) {
      this.#isOver('what the last job left could not be cleared away')
      // who waits for the next one waits for the end of this one, too
      await sandbox.end().catch(() => {})
      throw error
    }
  }
}

/** Where a job has written what is collected from there, the next one's is collected alone. */
function emptiedFor({ plan: { files }, reuse: { scratch }, inForce = InForce.all }: KeptOptions): Emptied {
  if (!inForce.on('emptied-scratch')) return { folders: [], ipc: false }
  const isClean = scratch === 'clean'
  const paths = isClean ? files.scratch.places : files.write.map(({ inside }) => inside)
  return { folders: paths.map((path) => ({ path, mode: placeMode(path) })), ipc: isClean }
}

const endedByItself = (how: CommandEnd | null): boolean =>
  how !== null &&
  (how.kind === 'exited' ||
    how.kind === 'signal' ||
    (how.kind === 'notStarted' && how.cause !== 'unconfined'))

function whyOver(how: CommandEnd | null): string {
  if (how === null) return 'its last run was ended before its command had'
  return how.kind === 'deadline'
    ? 'its last run reached its deadline'
    : 'its last run failed, or ran out of memory'
}

const noMore = (why: string): LaunchError =>
  new LaunchError('launch.over', `No other job can run in this sandbox: ${why}.`)

/** An authority is the sandbox's, for its life; a network without one is whichever gateway's is there. */
function lent(network: JobNetwork): RunNetwork {
  const used = network.isTrusted ? network : network.another()
  return { attach: (ends, credentials) => used.attach(ends, credentials, true), release: async () => {} }
}
