/** A sandbox that could be handed no descriptors: its control socket and the job's streams, over two streams of its first process. */
import { Duplex, type Readable, type Writable } from 'node:stream'
import { Inlet, Outlet } from './ends.js'
import { JobStreams, sendAll } from './job-streams.js'
import { type Arrived, PIECE, Windows } from './windows.js'
import { FrameReader, MalformedFrame } from './wire.js'

/**
 * The other side of `agent --carried`, or of one that was told to carry. None of its streams waits for another, and each holds little more than a window when nobody
 * reads it. The streams' end, or a frame that the agent never sends, is the end of all four: the first as when a sandbox dies,
 * the second with a MalformedFrame as their error.
 */
export class CarriedStreams {
  /** closing it ends the sandbox; its half-close is what the agent takes for a lost lifeline, too, after its last words */
  readonly control: Duplex
  /** there is nobody any more at the other side */
  readonly over: Promise<void>
  #overNow: () => void = () => {}
  readonly #from: Readable
  readonly #to: Writable
  readonly #frames = new FrameReader(PIECE)
  readonly #windows = new Windows()
  readonly #inlet: Inlet
  readonly #outlet: Outlet
  #job: JobStreams
  #isOver = false

  /** `from` and `to`: what comes from descriptor 1 of the agent, and goes to 0; one Duplex may be both. */
  constructor(from: Readable, to: Writable) {
    this.#from = from
    this.#to = to
    this.over = new Promise((resolve) => {
      this.#overNow = resolve
    })
    const windows = this.#windows
    const say = (frame: Buffer | null) => this.#say(frame)
    this.#inlet = new Inlet(
      (chunk) => this.control.push(chunk),
      (bytes) => say(windows.taken('control', bytes)),
    )
    this.#outlet = new Outlet(
      (bytes) => sendAll(windows.sent('control', bytes), say),
      () => say(windows.end('control')),
    )
    this.control = this.#controlStream()
    this.control.on('error', () => {}) // its end is what counts
    this.#job = new JobStreams(windows, say)
    from.on('data', (chunk: Buffer) => this.#hear(chunk))
    from.on('end', () => this.#over())
    from.on('error', (error) => this.#failed(error))
    from.on('close', () => this.#over())
    to.on('error', () => {}) // nobody is there any more: what was said last can still be read
  }

  /** of the job that runs, or comes */
  get stdin(): Writable {
    return this.#job.stdin
  }

  get stdout(): Readable {
    return this.#job.stdout
  }

  get stderr(): Readable {
    return this.#job.stderr
  }

  /** see {@link JobStreams.lastWords} */
  lastWords(): Promise<void> {
    return this.#job.lastWords()
  }

  /**
   * Streams for another job, when the last one's outputs have ended and `ask` has the first process begin anew: until it has answered
   * nothing of either job is said by anybody. Rejects as `ask` does, or when there is more of the last one to come.
   */
  async renew(ask: () => Promise<void>): Promise<void> {
    if (!this.#job.hasEnded) throw new MalformedFrame('outputs that do not end')
    this.#job.retire()
    await ask()
    this.#windows.renew()
    this.#job = new JobStreams(this.#windows, (frame) => this.#say(frame))
  }

  /** At once, whether or not the other side closes its end. */
  close(): void {
    this.#from.destroy()
    this.#to.destroy()
    this.#over()
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
    if (error instanceof MalformedFrame) {
      this.control.destroy(error)
      this.#job.destroy(error)
    }
    this.close()
  }

  #take(arrived: Arrived): void {
    const job = this.#job
    if (arrived.kind === 'refused') job.refused()
    else if (arrived.kind === 'credit') arrived.channel === 'control' ? this.#outlet.more() : job.credited()
    else if (arrived.channel !== 'control')
      arrived.kind === 'bytes' ? job.arrived(arrived.channel, arrived.bytes) : job.ended(arrived.channel)
    else if (arrived.kind === 'bytes') this.#inlet.add(arrived.bytes)
    else {
      this.#inlet.end()
      // control ends last of all: the agent waits for nothing but this
      this.#to.end()
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
    this.#inlet.end()
    this.#outlet.refuse(null)
    this.#job.over()
    this.#overNow()
  }

  #controlStream(): Duplex {
    const [inlet, outlet] = [this.#inlet, this.#outlet]
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
}
