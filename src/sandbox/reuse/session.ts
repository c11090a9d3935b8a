/** Several commands, one after another, in one sandbox of one tenant. What one leaves in its folders the next one finds. */
import { MalformedFrame, type RunningSandbox } from '../../boundary/index.js'
import { LaunchError, UsageError, visible } from '../../errors/index.js'
import { insidePath, placeOf } from '../../files/index.js'
import type { Plan } from '../../plan/index.js'
import { inTime } from '../../waiting/index.js'
import { inputFiles } from '../inputs.js'
import { laterRun } from '../later-run.js'
import type { Run, RunOptions } from '../options.js'
import type { KeptSandbox } from './kept.js'

const MiB = 1024 ** 2
const READ_BYTES = 16 * MiB
/** the longest that a timer can wait: 24 days */
const LONGEST_MS = 2 ** 31 - 1

/** As of `Glovebox.run`; whose the session is has been said. */
export type SessionRunOptions = Omit<RunOptions, 'tenant'>

export interface SessionParts {
  readonly plan: Plan
  readonly kept: KeptSandbox
  readonly idleMs: number
  readonly ageMs: number
  readonly start: (argv: readonly string[], options: SessionRunOptions) => Run
  /** called once, when nothing of its sandbox is left */
  readonly onEnded: () => void
}

export class Session {
  readonly #parts: SessionParts
  /** what was asked for last: it resolves when that is over */
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #idle: NodeJS.Timeout | null = null
  readonly #age: NodeJS.Timeout
  #closing: Promise<void> | null = null

  /** @internal `Glovebox.session` makes one */
  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#age = setTimeout(() => this.#tooOld(), Math.min(parts.ageMs, LONGEST_MS)).unref()
    this.#rest()
  }

  /** commands that have been started in it */
  get runs(): number {
    return this.#parts.kept.runs
  }

  /** why no other command can run in it; `null`: one can */
  get over(): string | null {
    return this.#parts.kept.over
  }

  /**
   * Runs one command, after those that were asked for before. One that ends by itself leaves the session to the next; one that has to be ended
   * (its deadline, a limit, `signal`) ends the session with it. Nothing of a command runs on when the next one starts; files that it left in
   * the scratch folders are still there.
   * @throws as `Glovebox.run`, and UsageError `session.over` when no other command can run in it
   */
  run(argv: readonly string[], options: SessionRunOptions = {}): Run {
    const begin = () => {
      this.#requireOpen()
      return this.#parts.start(argv, options)
    }
    const run =
      this.#waiting === 0 && this.over === null
        ? begin()
        : laterRun(
            this.#last.then(() => begin),
            options,
          )
    this.#busy(run)
    return run
  }

  /**
   * Makes or replaces a file in a scratch folder: `path` is relative to the work directory, or absolute. No link that a command left is followed.
   * Text is written as UTF-8.
   * @throws UsageError for a place where nothing can be put, and when it can't be written, such as in the place of a folder
   * @throws LaunchError when its sandbox ends meanwhile, or does not answer: the session is over
   */
  async writeFile(path: string, content: Uint8Array | string): Promise<void> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    await this.#between(async (sandbox) => {
      const [file] = await inputFiles({ [path]: bytes }, this.#parts.plan, [])
      if (file === undefined) throw new TypeError('a file without a place')
      await sandbox.reusable?.write(file).catch((error: Error) => {
        if (error instanceof MalformedFrame) throw error
        throw new UsageError(
          'session.write',
          `${visible(file.path)} was not written: ${visible(error.message)}.`,
        )
      })
    })
  }

  /**
   * The bytes of a plain file in a scratch folder. `maxBytes`: 16 MiB if not said.
   * @throws UsageError when there is none, when it is larger, or no plain file
   * @throws LaunchError when its sandbox ends meanwhile, or does not answer: the session is over
   */
  async readFile(path: string, { maxBytes = READ_BYTES } = {}): Promise<Uint8Array> {
    return await this.#between((sandbox) => this.#read(sandbox, path, maxBytes))
  }

  /** Ends it, and the command that runs in it; resolves when nothing of it is left. May be called again. */
  close(): Promise<void> {
    return this.#end('the session was closed')
  }

  /** @internal no other command can run in it */
  noticeOver(): void {
    if (this.#waiting === 0) this.#rest()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #read(sandbox: RunningSandbox, path: string, maxBytes: number): Promise<Uint8Array> {
    const { plan } = this.#parts
    const inside = insidePath(path, plan.files.workdir)
    const placed = placeOf(inside, plan.files)
    const parts: Uint8Array[] = []
    let wrong = placed === null ? 'is in no scratch folder' : ''
    // to its end, whatever comes: what is asked next is answered behind it
    for await (const entry of placed === null ? [] : sandbox.collect(placed.place, placed.below)) {
      if (entry.kind === 'missing') wrong = 'is not there'
      else if (entry.kind === 'refused') wrong ||= entry.why
      else if (entry.kind === 'folder') wrong ||= 'is a folder'
      else {
        if (entry.bytes > maxBytes) wrong ||= `has ${entry.bytes} bytes, and ${maxBytes} may be read`
        for await (const part of entry.content) if (wrong === '') parts.push(Uint8Array.from(part))
      }
    }
    if (wrong === '') return Buffer.concat(parts)
    throw new UsageError('session.read', `${visible(inside)} ${wrong}.`, 'Name a plain file as it is inside.')
  }

  #requireOpen(): void {
    const { over } = this
    if (over === null) return
    throw new UsageError(
      'session.over',
      `The session has ended: ${over}.`,
      'Start another with glovebox.session().',
    )
  }

  async #between<T>(use: (sandbox: RunningSandbox) => Promise<T>): Promise<T> {
    const doing = this.#last.then(() => {
      this.#requireOpen()
      return this.#answered(this.#parts.kept.between(use))
    })
    this.#busy(doing)
    return await doing
  }

  /** A sandbox whose first process ends, or answers no more, keeps nobody waiting for longer than a command might. */
  async #answered<T>(asked: Promise<T>): Promise<T> {
    const { deadlineMs } = this.#parts.plan.lifetime
    const answer = await inTime(
      asked.then((value) => ({ value })),
      deadlineMs,
    ).catch((error) => {
      if (!(error instanceof MalformedFrame)) throw error
      throw this.#lost('launch.lost', `its sandbox was lost: ${visible(error.message)}`)
    })
    if (answer !== undefined) return answer.value
    asked.catch(() => {})
    throw this.#lost('launch.silent', 'its sandbox did not answer')
  }

  #lost(code: string, why: string): LaunchError {
    void this.#parts.kept.end(why)
    return new LaunchError(code, `The session was ended: ${why}.`)
  }

  /** Until it is over, however: who waits for it finds the session free. */
  #busy(doing: Promise<unknown>): void {
    if (this.#idle !== null) clearTimeout(this.#idle)
    this.#waiting++
    const over = () => {
      this.#waiting--
      if (this.#waiting === 0) this.#rest()
    }
    this.#last = Promise.allSettled([this.#last, doing.then(over, over)])
  }

  /** Nothing is done in it: for so long it may wait. */
  #rest(): void {
    const { over } = this
    if (over !== null) {
      void this.#end(over)
      return
    }
    const { idleMs } = this.#parts
    this.#idle = setTimeout(() => void this.#end('nothing was done in it (idleMs)'), idleMs).unref()
  }

  /** What runs may still end. */
  #tooOld(): void {
    if (this.#waiting === 0) void this.#end('it is as old as it may become (ageMs)')
  }

  #end(why: string): Promise<void> {
    this.#closing ??= (async () => {
      clearTimeout(this.#age)
      if (this.#idle !== null) clearTimeout(this.#idle)
      await this.#parts.kept.end(why)
      await this.#last
      this.#parts.onEnded()
    })()
    return this.#closing
  }
}
