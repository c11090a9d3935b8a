import { randomUUID } from 'node:crypto'
import { posix, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { type Boundary, boundaryNamed, type SandboxSource, type TerminalSize } from '../boundary/index.js'
import { UsageError, visible } from '../errors/index.js'
import { outputPattern } from '../files/index.js'
import { type HostFacts, lookAtHost } from '../host/index.js'
import type { Plan } from '../plan/index.js'
import { type BoundaryName, isPolicy, type Policy, policySha256 } from '../policy/index.js'
import type { CollectedFile } from '../report/index.js'
import { everythingBelow, type Wanted } from './collect.js'
import { checkStdin, type InputSource, inputFiles, stdinOf } from './inputs.js'
import { boundaryOf, planFor, requireEnforceable } from './planner.js'
import { reportOf } from './report.js'
import { RunResult } from './result.js'
import { JobRun } from './run.js'
import { HostSink, MemorySink } from './sinks.js'
import { sweep } from './staging.js'
import { checkedSize, type TerminalOptions, terminalOf } from './terminal.js'

export interface RunOptions {
  /** this job's own files, by path inside (relative to the work directory, or absolute): bytes, or a host file's path */
  readonly inputs?: Readonly<Record<string, InputSource>>
  /**
   * what to collect, if the job exits: paths, or patterns with `*` and `**`. As a list, the bytes come in
   * `result.outputs`; as an object, each is written to the host path it names, all or nothing.
   */
  readonly outputs?: readonly string[] | Readonly<Record<string, string>>
  /**
   * bytes, a stream, or the path of a host file; absent: empty. A function is called for its stream when the command runs,
   * so that nothing is read for a run that is refused.
   */
  readonly stdin?: Uint8Array | string | Readable | AsyncIterable<Uint8Array> | (() => Readable)
  /**
   * gives the job a terminal made inside its sandbox, of this size: `stdin` types into it, `stdout` shows it, `stderr` stays
   * empty. The end of `stdin` is typed as the end-of-file character.
   */
  readonly tty?: TerminalOptions
  /** cancels the run: everything is ended, and the result's reason is `cancelled` */
  readonly signal?: AbortSignal
  /** who the job is for; goes into the report */
  readonly tenant?: string
  /**
   * keep stdout and stderr in the result (the default). `false`: they are only streams of the returned run, and the job
   * writes no faster than they are read.
   */
  readonly buffer?: boolean
  /** called when the sandbox was told its command: while that comes up there is time for other things */
  readonly onLaunched?: () => void
  /** called when the command runs, with a way to send it signals by number */
  readonly onStarted?: (send: (signal: number) => void) => void
}

/** A run under way: a promise of its result, and the job's streams. */
export interface Run extends Promise<RunResult> {
  readonly stdout: Readable
  readonly stderr: Readable
  /**
   * the job's terminal has this size from now on, and its programs are told; nothing without `tty`
   * @throws UsageError for a size that no terminal has
   */
  resize(size: TerminalSize): void
}

/**
 * Starts sandboxes. Holds a launcher process and nothing global: two of them share nothing.
 * Close it when done; `await using` does.
 */
export class Glovebox {
  readonly #host: HostFacts
  readonly #single: boolean
  readonly #sources = new Map<BoundaryName, SandboxSource>()
  readonly #plans = new WeakMap<Policy, Plan>()
  readonly #runs = new Map<JobRun, Promise<unknown>>()
  #sweeping: Promise<void> = Promise.resolve()
  #closing: Promise<void> | null = null

  private constructor(host: HostFacts, single: boolean) {
    this.#host = host
    this.#single = single
  }

  /**
   * Looks at the host and starts the launcher, so that the first run need not. What killed processes of this user have left
   * on disk is removed meanwhile.
   */
  static async start(): Promise<Glovebox> {
    return Glovebox.startNow()
  }

  /** The same without waiting a turn. `single`: there will be one run, so nothing is prepared for a second. */
  static startNow({ single = false } = {}): Glovebox {
    const first = boundaryNamed('process')
    const glovebox = new Glovebox(lookAtHost(first?.hostPaths ?? []), single)
    if (first !== null && first.unavailable(glovebox.#host) === null) glovebox.#source(first)
    glovebox.#sweeping = sweep().catch(() => {}) // tried again at the next start
    return glovebox
  }

  /**
   * Runs one command in a fresh sandbox under `policy`. When it resolves, nothing of the sandbox is left.
   * @throws UsageError for a call that can't mean anything
   * @throws BoundaryUnavailableError when a promise of the policy can't be kept on this host
   * @throws LaunchError when there was no sandbox
   */
  run(policy: Policy, argv: readonly string[], options: RunOptions = {}): Run {
    // An early mistake is a rejection too, never a throw: a run is always a promise.
    let prepared: Prepared
    try {
      prepared = this.#prepare(policy, argv, options)
    } catch (error) {
      return Object.assign(Promise.reject(error), {
        stdout: Readable.from([]),
        stderr: Readable.from([]),
        resize: () => {},
      })
    }
    const { run } = prepared
    const running = this.#perform(prepared, options)
    const tracked = running.then(
      () => this.#runs.delete(run),
      () => this.#runs.delete(run),
    )
    this.#runs.set(run, tracked)
    return Object.assign(running, {
      stdout: run.stdout,
      stderr: run.stderr,
      resize: (size: TerminalSize) => run.resize(checkedSize(size)),
    })
  }

  /** The plan for a policy, as `run` would use it; its claims may be impossible on this host. */
  plan(policy: Policy): Plan {
    return this.#planned(policy).plan
  }

  /** Ends every run (its reason is `cancelled`) and the launcher; resolves when nothing is left. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const run of this.#runs.keys()) run.cancel()
      await within(CLOSE_MS, Promise.all(this.#runs.values()))
      await Promise.all([...this.#sources.values()].map((source) => source.close()))
      await Promise.all([...this.#runs.values(), this.#sweeping])
    })()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #planned(policy: Policy): { plan: Plan; boundary: Boundary } {
    if (!isPolicy(policy))
      throw new UsageError(
        'policy.unchecked',
        'This is not a checked policy.',
        'Make one with loadPolicy or parsePolicy.',
      )
    const boundary = boundaryOf(policy)
    const plan = this.#plans.get(policy) ?? planFor(policy, boundary, this.#host)
    this.#plans.set(policy, plan)
    return { plan, boundary }
  }

  #prepare(policy: Policy, argv: readonly string[], options: RunOptions): Prepared {
    if (this.#closing !== null)
      throw new UsageError(
        'glovebox.closed',
        'This Glovebox is closed.',
        'Start another with Glovebox.start().',
      )
    const command = checkedArgv(argv)
    const { plan, boundary } = this.#planned(policy)
    requireEnforceable(plan, boundary, this.#host)
    const collected: Record<string, Uint8Array> = Object.create(null)
    const copied: CollectedFile[] = []
    const inputs = Promise.all([
      inputFiles(options.inputs ?? {}, plan, copied),
      checkStdin(options.stdin),
    ]).then(([files]) => files)
    inputs.catch(() => {}) // awaited when the run begins
    const run = new JobRun({
      plan,
      argv: command,
      inputs,
      wanted: wantedOf(plan, options.outputs ?? [], collected),
      terminal: terminalOf(options.tty),
      stdin: stdinOf(options.stdin),
      cancel: options.signal ?? null,
      onStarted: options.onStarted ?? null,
    })
    return { policy, plan, command, run, source: this.#source(boundary), collected, copied }
  }

  #source(boundary: Boundary): SandboxSource {
    const source = this.#sources.get(boundary.name) ?? boundary.open(this.#host, this.#single)
    this.#sources.set(boundary.name, source)
    return source
  }

  async #perform(
    { policy, plan, command, run, source, collected, copied }: Prepared,
    options: RunOptions,
  ): Promise<RunResult> {
    const kept = options.buffer === false ? [] : [keep(run.stdout), keep(run.stderr)]
    const finishing = run.finish(source)
    // what the caller needs besides is made while the sandbox comes up
    await Promise.race([run.launched, finishing])
    try {
      options.onLaunched?.()
    } catch (error) {
      run.cancel() // the caller's mistake ends its run, and never leaves one that nobody waits for
      await finishing
      throw error
    }
    const outcome = await finishing
    const { tenant = null } = options
    const report = () => reportOf(randomUUID(), policySha256(policy), plan, command, tenant, copied, outcome)
    const [stdout, stderr] = await Promise.all(kept)
    const nothing = new Uint8Array()
    return new RunResult(outcome.verdict, report, stdout ?? nothing, stderr ?? nothing, collected)
  }
}

interface Prepared {
  readonly policy: Policy
  readonly plan: Plan
  readonly command: readonly [string, ...string[]]
  readonly run: JobRun
  readonly source: SandboxSource
  readonly collected: Record<string, Uint8Array>
  readonly copied: CollectedFile[]
}

/** execve(2), MAX_ARG_STRLEN: with its NUL an argument is at most 32 pages */
const MAX_ARGUMENT_BYTES = 128 * 1024

/** How long cancelled runs get to end before their launcher ends them, ms. */
const CLOSE_MS = 5_000

/** Resolves when `all` does, and after `ms` at the latest. */
async function within(ms: number, all: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([all, late])
  clearTimeout(timer)
}

function checkedArgv(argv: readonly string[]): readonly [string, ...string[]] {
  const [command, ...rest] = argv
  if (command === undefined || command === '')
    throw new UsageError(
      'argv.empty',
      'There is no command to run.',
      "Give an argv, e.g. ['convert', 'in.png', 'out.webp'].",
    )
  if (argv.some((item) => item.includes('\0')))
    throw new UsageError('argv.nul', 'An argument of the command holds a NUL, which no argument can.')
  if (argv.some((item) => Buffer.byteLength(item) >= MAX_ARGUMENT_BYTES))
    throw new UsageError(
      'argv.tooLong',
      'An argument of the command is longer than 128 KiB, which Linux does not take.',
      'Pass the data as an input file or on stdin.',
    )
  return [command, ...rest]
}

function wantedOf(
  plan: Plan,
  outputs: NonNullable<RunOptions['outputs']>,
  collected: Record<string, Uint8Array>,
): Wanted[] {
  const { workdir } = plan.files
  const asked: [string, string | null][] = Array.isArray(outputs)
    ? outputs.map((text: string) => [text, null])
    : Object.entries(outputs as Record<string, string>)
  const hostPaths = [
    ...asked.flatMap(([, destination]) => (destination === null ? [] : [resolve(destination)])),
    ...plan.files.write.map(({ host }) => host),
  ]
  const twice = hostPaths.find((path, index) => hostPaths.indexOf(path) !== index)
  if (twice !== undefined)
    throw new UsageError(
      'output.twice',
      `Two outputs would be written to ${visible(twice)}, one over the other.`,
      'Give each its own name: --output INSIDE:FILE.',
    )
  const own = asked.map(([text, destination]): Wanted => {
    const pattern = outputPattern(text, workdir)
    const keepBytes = (below: string, bytes: Uint8Array) => {
      collected[shown(posix.join(pattern.base, below), workdir)] = bytes
    }
    const sink = destination === null ? new MemorySink(keepBytes) : new HostSink(resolve(destination))
    return { pattern, sink, required: pattern.rest.length === 0 }
  })
  const granted = plan.files.write.map(
    ({ host, inside }): Wanted => ({
      pattern: everythingBelow(inside),
      sink: new HostSink(host),
      required: false,
    }),
  )
  return [...own, ...granted]
}

function shown(path: string, workdir: string): string {
  return path.startsWith(`${workdir}/`) ? path.slice(workdir.length + 1) : path
}

function keep(stream: Readable): Promise<Buffer> {
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  return new Promise((resolve) => stream.once('close', () => resolve(Buffer.concat(parts))))
}
