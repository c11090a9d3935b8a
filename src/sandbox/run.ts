/** The way of one job: launch, put in, start, watch, collect, end, conclude. */
import type { Readable } from 'node:stream'
import type {
  Command,
  CommandEnd,
  RunningSandbox,
  SandboxEnd,
  SandboxSource,
  TerminalSize,
} from '../boundary/index.js'
import { LaunchError, visible } from '../errors/index.js'
import { InForce } from '../plan/index.js'
import type { CollectedFile } from '../report/index.js'
import { CollectRefusal, collectInto } from './collect.js'
import { feed } from './feed.js'
import type { Job, Outcome } from './job.js'
import { launchedInTime } from './launched-in-time.js'
import { madeReady } from './made-ready.js'
import { OutputMeter } from './meter.js'
import { NEVER_LAUNCHED } from './never-launched.js'
import { holdRoot } from './roots.js'
import { Supplies } from './supplies.js'
import { EXIT, type Interruption, type Verdict, verdict } from './verdict.js'

/** How long a sandbox may take to come up, and how much longer than its deadline it may take to end itself, ms. */
const LAUNCH_MS = 30_000
const DEADLINE_SLACK_MS = 1_000
/** the longest that a timer can wait: 24 days */
const NEVER_MS = 2 ** 31 - 1

const ALONE = { run: 1, of: 1 } as const

/** Not `performance`, which Node loads when it is first used. */
const clockMs = () => Number(process.hrtime.bigint()) / 1e6

export class JobRun {
  readonly stdout: Readable
  readonly stderr: Readable
  /** resolves when the sandbox was told its command: until it answers there is time for other things */
  readonly launched: Promise<void>
  #tellLaunched: () => void = () => {}
  readonly #job: Job
  #terminal: Command['terminal']
  #sandbox: RunningSandbox | null = null
  readonly #meter: OutputMeter
  readonly #lateMs: number
  #feeding: Readable | null = null
  #interruption: Interruption | null = null
  #interrupt: () => void = () => {}
  #collecting: Promise<unknown> | null = null
  #queueMs = 0
  readonly #interrupted: Promise<void>

  constructor(job: Job) {
    this.#job = job
    this.#terminal = job.terminal
    this.launched = new Promise((resolve) => {
      this.#tellLaunched = resolve
    })
    this.#interrupted = new Promise((resolve) => {
      this.#interrupt = resolve
    })
    const { inForce = InForce.all } = job
    const outputBytes = inForce.on('output-count') ? job.plan.limits.outputBytes : Number.MAX_SAFE_INTEGER
    const noOutputMs = inForce.on('silence-clock') ? job.plan.lifetime.noOutputMs : null
    this.#lateMs = inForce.on('clock-outside') ? DEADLINE_SLACK_MS : NEVER_MS
    this.#meter = new OutputMeter(outputBytes, noOutputMs, {
      onTooMuch: () => this.#stop({ kind: 'output' }),
      onSilence: () => this.#stop({ kind: 'noOutput' }),
    })
    this.stdout = this.#meter.stdout
    this.stderr = this.#meter.stderr
  }

  /** Throws only when there never was a running command. When it returns, nothing of the sandbox is left. */
  async finish(source: SandboxSource): Promise<Outcome> {
    try {
      const outcome = await this.#finish(source)
      this.#job.turn?.used(outcome.end.cpuMs)
      return outcome
    } finally {
      this.#job.turn?.over()
    }
  }

  async #finish(source: SandboxSource): Promise<Outcome> {
    const acceptedAt = new Date()
    const begin = clockMs()
    const forget = this.#watchCancel()
    let sandbox: RunningSandbox | null = null
    let backup: NodeJS.Timeout | null = null
    const supplies = new Supplies(this.#job, this.#interrupted)
    let release = () => {}
    try {
      if (!(await this.#comes(begin))) return this.#neverLaunched(acceptedAt, begin)
      // the deadline counts from acceptance
      const deadlineMs = Math.max(1, Math.ceil(this.#job.plan.lifetime.deadlineMs - this.#queueMs))
      release = holdRoot(this.#job.plan, process.geteuid?.() ?? 0)
      const isReady = await madeReady({
        plan: this.#job.plan,
        source,
        makeRoot: this.#job.makeRoot ?? null,
        obtain: () => supplies.obtain(source),
        interrupted: this.#interrupted,
        isInterrupted: () => this.#interruption !== null,
      })
      if (!isReady) return this.#neverLaunched(acceptedAt, begin)
      const launching = launchedInTime(supplies.launch(source), LAUNCH_MS)
      launching.catch(() => {}) // it may fail before the inputs are there: it is waited for below
      const inputs = await this.#job.inputs.catch(async (error) => {
        await launching.then((started) => started.end()).catch(() => {})
        throw error
      })
      sandbox = await launching
      backup = setTimeout(() => this.#stop({ kind: 'deadline' }), LAUNCH_MS)
      // before the command: what it tries first is seen, too
      await supplies.attach(sandbox)
      const running = sandbox.run({
        argv: this.#job.argv,
        env: supplies.env,
        deadlineMs,
        inputs: supplies.withoutValues(inputs),
        terminal: this.#terminal,
      })
      this.#sandbox = sandbox
      setImmediate(this.#tellLaunched) // by then the command is on its way, unless inputs go in before it
      await Promise.race([running, this.#interrupted])
      this.#job.turn?.started()
      clearTimeout(backup)
      backup = setTimeout(
        () => this.#stop({ kind: 'deadline' }),
        Math.min(deadlineMs + this.#lateMs, NEVER_MS),
      )
      const startMs = clockMs() - begin
      // not before: who has read of the job's output may signal it, and must not be told that it has yet to start
      const streams = Promise.all([
        this.#meter.connect('stdout', sandbox.stdout),
        this.#meter.connect('stderr', sandbox.stderr),
      ])
      const commandEnd = await this.#watch(sandbox)
      this.#meter.stop()
      const outputs = await this.#collect(sandbox, commandEnd)
      if (commandEnd.kind !== 'lost') await this.#lastWords(streams)
      const [end, network] = await Promise.all([sandbox.end(), supplies.told()])
      refuseIfNeverStarted(commandEnd, end, this.#interruption)
      this.#meter.drain() // what was still in the pipes counts against limits.output like the rest
      await streams
      const result = verdict(this.#job.plan, this.#job.argv[0], this.#interruption, commandEnd, end)
      const settled = await this.#settle(result)
      return {
        verdict: settled,
        outputs: settled.reason === 'exited' ? outputs : [],
        times: { acceptedAt, queueMs: this.#queueMs, startMs, wallMs: clockMs() - begin },
        isWarm: sandbox.isWarm ?? false,
        turn: sandbox.turn ?? ALONE,
        end,
        network,
        credentials: await supplies.leases(),
        commandCpuMs: 'cpuMs' in commandEnd ? commandEnd.cpuMs : null,
        bytes: this.#meter.bytes,
      }
    } finally {
      forget()
      if (backup !== null) clearTimeout(backup)
      this.#meter.close()
      await Promise.all([sandbox?.end(), supplies.end()])
      release()
      await this.#collecting // else it could still make a file while staging is removed
      await Promise.all(this.#job.wanted.map(({ sink }) => sink.abort()))
      this.#feeding?.destroy()
    }
  }

  /** The size of the job's terminal from now on; nothing when it has none. */
  resize(size: TerminalSize): void {
    if (this.#terminal === null) return
    this.#terminal = { ...this.#terminal, ...size }
    this.#sandbox?.resize(size)
  }

  /** Ends the run, if it has not ended; its reason is `cancelled`. */
  cancel(): void {
    this.#stop({ kind: 'cancelled', signal: null })
  }

  /** `false`: the run was ended while it waited. @throws BusyError */
  async #comes(begin: number): Promise<boolean> {
    const { turn, plan } = this.#job
    if (turn === undefined || turn.isNow) return true
    const onLate = () => this.#stop({ kind: 'queued' })
    try {
      return await turn.comes(this.#interrupted, plan.lifetime.deadlineMs, onLate)
    } finally {
      this.#queueMs = clockMs() - begin
    }
  }

  #neverLaunched(acceptedAt: Date, begin: number): Outcome {
    const { plan, argv } = this.#job
    const wallMs = clockMs() - begin
    return {
      verdict: verdict(plan, argv[0], this.#interruption, { kind: 'lost' }, NEVER_LAUNCHED),
      outputs: [],
      times: {
        acceptedAt,
        queueMs: this.#queueMs,
        startMs: wallMs,
        wallMs,
      },
      isWarm: false,
      turn: ALONE,
      end: NEVER_LAUNCHED,
      network: null,
      credentials: [],
      commandCpuMs: null,
      bytes: this.#meter.bytes,
    }
  }

  #stop(why: Interruption): void {
    this.#interruption ??= why
    this.#interrupt()
  }

  #watchCancel(): () => void {
    const { cancel } = this.#job
    if (cancel === null) return () => {}
    const abort = () =>
      this.#stop({ kind: 'cancelled', signal: typeof cancel.reason === 'number' ? cancel.reason : null })
    if (cancel.aborted) abort()
    cancel.addEventListener('abort', abort, { once: true })
    return () => cancel.removeEventListener('abort', abort)
  }

  async #watch(sandbox: RunningSandbox): Promise<CommandEnd> {
    let ended = false
    if (this.#interruption === null) {
      this.#meter.start()
      this.#job.events?.started(sandbox.isWarm ?? false)
      this.#job.onStarted?.((signal) => sandbox.signal(signal))
      this.#feeding = this.#job.stdin?.() ?? null
      feed(this.#feeding, sandbox.stdin, (why) => {
        const message = `The run was ended because its standard input could not be read: ${visible(why)}.`
        if (!ended) this.#stop({ kind: 'rejected', message })
      })
    }
    const stopped = this.#interrupted.then((): CommandEnd => ({ kind: 'lost' }))
    try {
      return await Promise.race([sandbox.commandEnd, stopped])
    } finally {
      ended = true
    }
  }

  /** A pipe keeps what a dead job wrote; what is in a terminal is still carried out by the sandbox's first process. */
  async #lastWords(streams: Promise<unknown>): Promise<void> {
    if (this.#terminal === null) return
    this.#meter.drain()
    await Promise.race([streams, this.#interrupted])
  }

  /** Into staging only: what counts is decided when the sandbox's end is known. */
  async #collect(sandbox: RunningSandbox, commandEnd: CommandEnd): Promise<CollectedFile[]> {
    if (commandEnd.kind !== 'exited' || this.#interruption !== null || this.#job.wanted.length === 0)
      return []
    try {
      const collecting = collectInto(sandbox, this.#job.plan, this.#job.wanted, commandEnd.code)
      this.#collecting = collecting.catch(() => {})
      return await Promise.race([collecting, this.#interrupted.then(() => [])])
    } catch (error) {
      const message = visible(error instanceof Error ? error.message : String(error))
      const said =
        error instanceof CollectRefusal ? message : `the outputs could not be collected: ${message}`
      this.#stop({ kind: 'rejected', message: `${said[0]?.toUpperCase()}${said.slice(1)}.` })
      return []
    }
  }

  /** Moves what was collected to its places; from here on nothing can cancel it. */
  async #settle(result: Verdict): Promise<Verdict> {
    if (result.reason !== 'exited') return result
    try {
      for (const { sink } of this.#job.wanted) await sink.check()
      for (const { sink } of this.#job.wanted) await sink.commit()
      return result
    } catch (error) {
      const message = `The outputs could not be written: ${visible((error as Error).message)}.`
      return { reason: 'rejected', exitCode: EXIT.rejected, signal: null, message }
    }
  }
}

function refuseIfNeverStarted(
  commandEnd: CommandEnd,
  end: SandboxEnd,
  interruption: Interruption | null,
): void {
  if (commandEnd.kind !== 'lost' || interruption !== null || end.launchFailure === null) return
  throw new LaunchError('launch.failed', end.launchFailure.what, end.launchFailure.get)
}
