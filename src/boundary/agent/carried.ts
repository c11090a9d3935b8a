/** A sandbox that could be handed no descriptors: its control socket and the job's streams, over two streams of its first process. */
import { constants } from 'node:os'
import { Duplex, Readable, Writable } from 'node:stream'
import { Inlet, Outlet } from './ends.js'
import { type Inward, type Outward, PIECE, Windows } from './windows.js'
import { FrameReader, MalformedFrame } from './wire.js'

/** What a pipe inside may hold at most when the job is dead, bytes: `fs.pipe-max-size`. */
const LAST_WORDS = 1024 * 1024

/**
 * The other side of `agent --carried`. None of its streams waits for another, and each holds little more than a window when nobody
 * reads it. The streams' end, or a frame that the agent never sends, is the end of all four: the first as when a sandbox dies,
 * the second with a MalformedFrame as their error.
 */
export class CarriedStreams {
  /** closing it ends the sandbox; its half-close is what the agent takes for a lost lifeline, too, after its last words */
  readonly control: Duplex
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  readonly #from: Readable
  readonly #to: Writable
  readonly #frames = new FrameReader(PIECE)
  readonly #windows = new Windows()
  readonly #inlets: Readonly<Record<Inward, Inlet>>
  readonly #outlets: Readonly<Record<Outward, Outlet>>
  #isOver = false
  #lastWords: Promise<void> | null = null
  #outputsEnded: () => void = () => {}

  /** `from` and `to`: what comes from descriptor 1 of the agent, and goes to 0; one Duplex may be both. */
  constructor(from: Readable, to: Writable) {
    this.#from = from
    this.#to = to
    this.#inlets = {
      control: this.#inlet('control'),
      stdout: this.#inlet('stdout'),
      stderr: this.#inlet('stderr'),
    }
    this.#outlets = { control: this.#outlet('control'), stdin: this.#outlet('stdin') }
    this.control = this.#controlStream()
    this.stdin = this.#inputStream()
    this.stdout = this.#outputStream('stdout')
    this.stderr = this.#outputStream('stderr')
    for (const each of this.#streams()) each.on('error', () => {}) // their end is what counts
    from.on('data', (chunk: Buffer) => this.#hear(chunk))
    from.on('end', () => this.#over())
    from.on('error', (error) => this.#failed(error))
    from.on('close', () => this.#over())
    to.on('error', () => {}) // nobody is there any more: what was said last can still be read
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

  /** At once, whether or not the other side closes its end. */
  close(): void {
    this.#from.destroy()
    this.#to.destroy()
    this.#over()
  }

  #streams() {
    return [this.control, this.stdin, this.stdout, this.stderr]
  }

  #hear(chunk: Buffer): void {
    try {
      for (const each of this.#frames.push(chunk)) this.#take(this.#windows.arrived(each))
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error
      this.#failed(error)
    }
  }

  #failed(error: Error): void {
    if (error instanceof MalformedFrame) for (const each of this.#streams()) each.destroy(error)
    this.close()
  }

  #take(arrived: ReturnType<Windows['arrived']>): void {
    if (arrived.kind === 'bytes') this.#inlets[arrived.channel].add(arrived.bytes)
    else if (arrived.kind === 'credit') this.#outlets[arrived.channel].more()
    else if (arrived.kind === 'refused') this.#outlets.stdin.refuse(brokenPipe())
    else {
      this.#inlets[arrived.channel].end()
      this.#noticeQuiet()
      // control ends last of all: the agent waits for nothing but this
      if (arrived.channel === 'control') this.#to.end()
    }
  }

  /** Never waits: the windows bound what is on its way. */
  #say(frame: Buffer | null): void {
    if (frame !== null && !this.#isOver && this.#to.writable) this.#to.write(frame)
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#from.destroy()
    this.#to.destroy()
    for (const each of Object.values(this.#inlets)) each.end()
    this.#outlets.control.refuse(null)
    this.#outlets.stdin.refuse(brokenPipe())
    this.#noticeQuiet()
  }

  #isQuiet(channel: 'stdout' | 'stderr'): boolean {
    return this.#isOver || this.#windows.hasEnded(channel) || this[channel].destroyed
  }

  #noticeQuiet(): void {
    if (this.#isQuiet('stdout') && this.#isQuiet('stderr')) this.#outputsEnded()
  }

  #inlet(channel: Inward): Inlet {
    return new Inlet(
      (chunk) => this[channel].push(chunk),
      (bytes) => this.#say(this.#windows.taken(channel, bytes)),
    )
  }

  #outlet(channel: Outward): Outlet {
    return new Outlet(
      (bytes) => {
        const { frames, rest } = this.#windows.sent(channel, bytes)
        for (const each of frames) this.#say(each)
        return rest
      },
      () => this.#say(this.#windows.end(channel)),
    )
  }

  #controlStream(): Duplex {
    const [inlet, outlet] = [this.#inlets.control, this.#outlets.control]
    return new Duplex({
      read: () => inlet.wanted(),
      write: (chunk: Buffer, _encoding, done) => outlet.write(chunk, done),
      final: (done) => outlet.end(done),
      destroy: (error, done) => {
        inlet.drop()
        this.#to.end() // the lifeline; what was on its way to us may still come
        done(error)
      },
    })
  }

  #inputStream(): Writable {
    const outlet = this.#outlets.stdin
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => outlet.write(chunk, done),
      final: (done) => outlet.end(done),
      destroy: (error, done) => outlet.end(() => done(error)),
    })
  }

  #outputStream(channel: 'stdout' | 'stderr'): Readable {
    const inlet = this.#inlets[channel]
    return new Readable({
      read: () => inlet.wanted(),
      // the job's next write is a broken pipe
      destroy: (error, done) => {
        inlet.drop()
        if (!this.#windows.hasEnded(channel)) this.#say(this.#windows.stop(channel))
        done(error)
        this.#noticeQuiet()
      },
    })
  }
}

function brokenPipe(): Error {
  const broken: NodeJS.ErrnoException = new Error('the job closed its standard input')
  broken.code = 'EPIPE'
  broken.errno = -constants.errno.EPIPE
  return broken
}
