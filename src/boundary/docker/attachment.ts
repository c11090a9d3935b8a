/** A container's three streams over one connection that the engine has handed over. */
import { type Duplex, Readable, Writable } from 'node:stream'
import { Demultiplexer } from './demultiplex.js'
import { CUT } from './transport.js'

export interface Attachment {
  /** ending it is the end of the container's stdin, and of nothing else */
  readonly stdin: Writable
  /** both must be read: what one does not take keeps back the other */
  readonly stdout: Readable
  readonly stderr: Readable
  /**
   * once, when no more comes; an error when it is seen that the engine or the connection failed. An engine that is killed
   * ends it like a container that ends: which it was, only the engine's own word on the container tells.
   */
  readonly ended: Promise<Error | null>
  /** lets go of the connection: with `StdinOnce` the end of the container's stdin as well */
  close(): void
}

/** `head`: what came with the connection. `named`: what an error of it is to be called. */
export function attachment(socket: Duplex, head: Buffer, named: (error: unknown) => Error): Attachment {
  const streams = new Streams(socket, named)
  const { stdout, stderr, ended } = streams
  const stdin = new Writable({
    write: (chunk, _encoding, done) => void socket.write(chunk, (error) => done(error ?? null)),
    // half of the connection: what the container still says arrives
    final: (done) => void socket.end(() => done()),
  })
  stdin.on('error', () => {}) // `ended` says it
  streams.take(head)
  return { stdin, stdout, stderr, ended, close: () => streams.end(null) }
}

/** Both outputs of a connection, which is read only as fast as the slower one is. */
class Streams {
  readonly stdout = new Output(() => this.#go())
  readonly stderr = new Output(() => this.#go())
  readonly ended: Promise<Error | null>
  readonly #socket: Duplex
  readonly #frames = new Demultiplexer()
  #finish: (error: Error | null) => void = () => {}
  #over = false

  constructor(socket: Duplex, named: (error: unknown) => Error) {
    this.#socket = socket
    this.ended = new Promise((resolve) => {
      this.#finish = resolve
    })
    socket.on('data', (chunk: Buffer) => this.take(chunk))
    socket.on('end', () =>
      this.#guarded(() => {
        this.#frames.end()
        this.end(null)
      }),
    )
    socket.on('error', (error) => this.end(named(error)))
    socket.on('close', () => this.end(named(CUT)))
  }

  take(chunk: Buffer): void {
    this.#guarded(() => {
      for (const { to, bytes } of this.#frames.push(chunk)) this[to].give(bytes)
      if (this.#isFull()) this.#socket.pause()
    })
  }

  end(error: Error | null): void {
    if (this.#over) return
    this.#over = true
    this.#finish(error)
    this.stdout.push(null)
    this.stderr.push(null)
    this.#socket.destroy()
  }

  #guarded(step: () => void): void {
    if (this.#over) return
    try {
      step()
    } catch (error) {
      this.end(error as Error)
    }
  }

  #isFull(): boolean {
    return this.stdout.isFull || this.stderr.isFull
  }

  #go(): void {
    if (!this.#isFull()) this.#socket.resume()
  }
}

/** A stream that is filled from elsewhere, and knows when it is full. */
class Output extends Readable {
  readonly #wanted: () => void
  #full = false

  constructor(wanted: () => void) {
    super()
    this.#wanted = wanted
    this.on('error', () => {}) // `ended` says it
  }

  get isFull(): boolean {
    return this.#full
  }

  give(bytes: Buffer): void {
    this.#full = !this.push(bytes) && !this.destroyed
  }

  override _read(): void {
    this.#full = false
    this.#wanted()
  }

  /** One that nobody wants keeps nothing back. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#full = false
    this.#wanted()
    done(error)
  }
}
