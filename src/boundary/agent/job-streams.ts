/** The three streams of one job, carried: a sandbox in which one runs after another has new ones for each. */
import { constants } from 'node:os'
import { Readable, Writable } from 'node:stream'
import { Inlet, Outlet } from './ends.js'
import type { Sent, Windows } from './windows.js'

/** What a pipe inside may hold at most when the job is dead, bytes: `fs.pipe-max-size`. */
const LAST_WORDS = 1024 * 1024

type Output = 'stdout' | 'stderr'

export class JobStreams {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  readonly #windows: Windows
  readonly #say: (frame: Buffer | null) => void
  readonly #inlets: Readonly<Record<Output, Inlet>>
  readonly #outlet: Outlet
  /** nothing more is said of it, nor heard */
  #isOver = false
  #lastWords: Promise<void> | null = null
  #outputsEnded: () => void = () => {}

  constructor(windows: Windows, say: (frame: Buffer | null) => void) {
    this.#windows = windows
    this.#say = say
    this.#inlets = { stdout: this.#inlet('stdout'), stderr: this.#inlet('stderr') }
    this.#outlet = new Outlet(
      (bytes) => (this.#isOver ? bytes : sendAll(windows.sent('stdin', bytes), say)),
      () => {
        if (!this.#isOver) say(windows.end('stdin'))
      },
    )
    this.stdin = this.#inputStream()
    this.stdout = this.#outputStream('stdout')
    this.stderr = this.#outputStream('stderr')
    for (const each of [this.stdin, this.stdout, this.stderr]) each.on('error', () => {}) // their end is what counts
  }

  arrived(channel: Output, bytes: Buffer): void {
    this.#inlets[channel].add(bytes)
  }

  ended(channel: Output): void {
    this.#inlets[channel].end()
    this.#noticeQuiet()
  }

  /** more of its input may be sent */
  credited(): void {
    this.#outlet.more()
  }

  /** the job closed its input */
  refused(): void {
    this.#outlet.refuse(brokenPipe())
  }

  /**
   * The command has ended: what is left of its output is little, and is taken whether or not anyone reads it, so that the sandbox
   * can be ended. Resolves when both have ended; a sandbox that keeps them open is the caller's to bound.
   */
  lastWords(): Promise<void> {
    this.#lastWords ??= new Promise((resolve) => {
      this.#outputsEnded = resolve
      for (const channel of ['stdout', 'stderr'] as const)
        if (!this.#isQuiet(channel)) this.#say(this.#windows.lend(channel, LAST_WORDS))
      this.#noticeQuiet()
    })
    return this.#lastWords
  }

  /** Nobody waits for more of its outputs: they have ended, or are not wanted. */
  get hasEnded(): boolean {
    return !this.#isOver && this.#isQuiet('stdout') && this.#isQuiet('stderr')
  }

  /** Another job comes: whoever still reads what this one said is nobody whom the sandbox hears of. */
  retire(): void {
    this.stdin.destroy()
    this.#isOver = true
  }

  /** There is nobody any more at the other side. */
  over(): void {
    this.#isOver = true
    for (const each of Object.values(this.#inlets)) each.end()
    this.#outlet.refuse(brokenPipe())
    this.#noticeQuiet()
  }

  destroy(error: Error): void {
    for (const each of [this.stdin, this.stdout, this.stderr]) each.destroy(error)
  }

  #isQuietNow(channel: Output): boolean {
    return this.#isOver || this.#windows.hasEnded(channel)
  }

  #isQuiet(channel: Output): boolean {
    return this.#isQuietNow(channel) || this[channel].destroyed
  }

  #noticeQuiet(): void {
    if (this.#isQuiet('stdout') && this.#isQuiet('stderr')) this.#outputsEnded()
  }

  #inlet(channel: Output): Inlet {
    return new Inlet(
      (chunk) => this[channel].push(chunk),
      (bytes) => {
        if (!this.#isOver) this.#say(this.#windows.taken(channel, bytes))
      },
    )
  }

  #inputStream(): Writable {
    const outlet = this.#outlet
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => outlet.write(chunk, done),
      final: (done) => outlet.end(done),
      destroy: (error, done) => outlet.end(() => done(error)),
    })
  }

  #outputStream(channel: Output): Readable {
    const inlet = this.#inlets[channel]
    return new Readable({
      read: () => inlet.wanted(),
      // the job's next write is a broken pipe
      destroy: (error, done) => {
        inlet.drop()
        if (!this.#isQuietNow(channel)) this.#say(this.#windows.stop(channel))
        done(error)
        this.#noticeQuiet()
      },
    })
  }
}

/** What of it may go now goes; gives back the rest. */
export function sendAll({ frames, rest }: Sent, say: (frame: Buffer) => void): Buffer {
  for (const each of frames) say(each)
  return rest
}

function brokenPipe(): Error {
  const broken: NodeJS.ErrnoException = new Error('the job closed its standard input')
  broken.code = 'EPIPE'
  broken.errno = -constants.errno.EPIPE
  return broken
}
