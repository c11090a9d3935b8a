/** The host's end of a machine's wire: what the machine says as promises, and the agent behind it as one stream. */
import { Duplex, type Readable, type Writable } from 'node:stream'
import { LaunchError } from '../../../errors/index.js'
import { Inlet } from '../../agent/ends.js'
import { FrameReader, frame, MalformedFrame } from '../../agent/wire.js'
import { type GuestNews, type GuestReady, type GuestSaid, GuestSays, type GuestUsed, PIECE } from './said.js'
import { grantFrame, momentFrame, type Step, stepsFrame } from './steps.js'

/** What the agent said and nobody read yet, bytes: beyond that the machine waits. */
const HELD = 256 * 1024

type Done = (error?: Error | null) => void

interface Promised<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: Error): void
}

function promised<T>(): Promised<T> {
  let [resolve, reject]: [(value: T) => void, (error: Error) => void] = [() => {}, () => {}]
  const promise = new Promise<T>((yes, no) => {
    ;[resolve, reject] = [yes, no]
  })
  promise.catch(() => {}) // whoever asks is told; nobody need ask
  return { promise, resolve, reject }
}

/**
 * Over what comes from the machine and goes to it: QEMU's standard streams. A frame that `guest` never sends ends it, with a
 * MalformedFrame for all who wait; the streams' end is the machine's.
 */
export class GuestWire {
  /** rejects with what failed, or why nothing more can come */
  readonly ready: Promise<GuestReady>
  /** the agent runs; rejects with the step that failed */
  readonly started: Promise<void>
  /** `null`: the machine ended without a word */
  readonly news: Promise<GuestNews | null>
  /** for both sides of CarriedStreams; its end, or being destroyed, hangs up on the agent */
  readonly agent: Duplex
  readonly #ready = promised<GuestReady>()
  readonly #started = promised<void>()
  readonly #news = promised<GuestNews | null>()
  readonly #says: GuestSays
  readonly #frames = new FrameReader(PIECE)
  readonly #from: Readable
  readonly #to: Writable
  readonly #inlet: Inlet
  readonly #asking: ((used: GuestUsed | null) => void)[] = []
  #held = 0
  #hungUp = false
  #isOver = false
  /** what the agent is to get, until it is there */
  #waiting: (() => void) | null = null
  #hasStarted = false
  #hasFailed = false

  /** `restored`: what the machine said before it was saved; such a one is ready from the first */
  constructor(from: Readable, to: Writable, restored: GuestReady | null = null) {
    ;[this.#from, this.#to] = [from, to]
    ;[this.ready, this.started, this.news] = [this.#ready.promise, this.#started.promise, this.#news.promise]
    this.#says = new GuestSays(restored !== null)
    if (restored !== null) this.#ready.resolve(restored)
    this.#inlet = new Inlet(
      (chunk) => this.agent.push(chunk),
      (bytes) => this.#taken(bytes),
    )
    this.agent = this.#stream()
    this.agent.on('error', () => {}) // its end is what counts
    from.on('data', (chunk: Buffer) => this.#hear(chunk))
    for (const end of ['end', 'error', 'close']) from.on(end, () => this.#over(null))
    to.on('error', () => {}) // nobody is there any more: what was said last can still be read
  }

  /** It said what failed: nobody knows more. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** Once, when it is ready. @throws Error otherwise */
  start(steps: readonly Step[]): void {
    this.#tell(stepsFrame(steps))
  }

  /** Before `resume`, as fast as the machine takes them. `false`: nobody is there any more. */
  async give(parts: AsyncIterable<readonly Step[]>): Promise<boolean> {
    for await (const part of parts) {
      if (this.#hungUp) return false
      await new Promise<void>((done) => this.#say(grantFrame(part), () => done()))
    }
    return !this.#hungUp
  }

  /** The same where the machine came with its steps. */
  resume(moment: readonly Step[]): void {
    this.#tell(momentFrame(moment))
  }

  /** What its job has used until now; `null`: it has ended. */
  used(): Promise<GuestUsed | null> {
    if (this.#hungUp) return Promise.resolve(null)
    this.#says.ask()
    this.#say(frame('u'))
    return new Promise((resolve) => this.#asking.push(resolve))
  }

  #tell(told: Buffer): void {
    this.#says.tell()
    this.#say(told)
  }

  /** At once: a machine whose wire is closed powers itself off. */
  close(): void {
    this.#over(null)
    this.#to.destroy()
    this.#from.destroy()
  }

  #hear(chunk: Buffer): void {
    try {
      for (const each of this.#frames.push(chunk)) this.#take(this.#says.arrived(each))
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error
      this.#over(error)
      this.close()
    }
  }

  #take(said: GuestSaid): void {
    if (said.kind === 'ready') this.#ready.resolve(said.ready)
    else if (said.kind === 'started') this.#begin()
    else if (said.kind === 'bytes') this.#add(said.bytes)
    else if (said.kind === 'used') this.#asking.shift()?.(said.used)
    else if (said.kind === 'failed') {
      this.#hasFailed = true
      this.#end(null, new LaunchError('launch.machine', `The machine could not be set up: ${said.text}.`))
    } else this.#end(said.news, null)
  }

  #begin(): void {
    this.#hasStarted = true
    this.#started.resolve()
    this.#waiting?.()
    this.#waiting = null
  }

  #add(bytes: Buffer): void {
    if (this.agent.destroyed) return
    this.#held += bytes.length
    this.#inlet.add(bytes)
    if (this.#held > HELD) this.#from.pause()
  }

  #taken(bytes: number): void {
    this.#held -= bytes
    if (this.#held <= HELD / 2 && this.#from.isPaused()) this.#from.resume()
  }

  /** The machine's last word: it powers off when it sees the wire closed. */
  #end(news: GuestNews | null, failure: Error | null): void {
    this.#news.resolve(news)
    this.#settle(failure)
    this.#to.end()
  }

  #over(malformed: MalformedFrame | null): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#news.resolve(null)
    this.#settle(malformed)
    if (malformed !== null) this.agent.destroy(malformed)
  }

  /** Nothing more comes of the agent, and nothing more reaches it. */
  #settle(why: Error | null): void {
    const error = why ?? new LaunchError('launch.machine', 'The machine ended before its agent was started.')
    this.#hungUp = true
    this.#ready.reject(error)
    this.#started.reject(error)
    for (const each of this.#asking.splice(0)) each(null)
    this.#inlet.end()
    this.#waiting?.()
    this.#waiting = null
  }

  #say(bytes: Buffer, done: Done = () => {}): void {
    if (this.#to.writable) this.#to.write(bytes, () => done())
    else done()
  }

  #hangUp(): void {
    if (this.#hungUp) return
    this.#hungUp = true
    this.#say(frame('q'))
  }

  /** Its writer waits until the last of it has left this process. */
  #send(chunk: Buffer, done: Done): void {
    if (this.#hungUp || chunk.length === 0) {
      done()
      return
    }
    for (let at = 0; at < chunk.length; at += PIECE) {
      const isLast = at + PIECE >= chunk.length
      this.#say(frame('a', chunk.subarray(at, at + PIECE)), isLast ? done : undefined)
    }
  }

  #stream(): Duplex {
    return new Duplex({
      read: () => this.#inlet.wanted(),
      write: (chunk: Buffer, _encoding, done) => {
        if (this.#hasStarted) this.#send(chunk, done)
        else if (this.#hungUp) done()
        else this.#waiting = () => this.#send(chunk, done)
      },
      final: (done) => {
        this.#hangUp()
        done()
      },
      destroy: (error, done) => {
        this.#hangUp()
        this.#inlet.drop()
        // what comes is thrown away, so that the news behind it is heard
        this.#held = 0
        this.#from.resume()
        done(error)
      },
    })
  }
}
