/** What each channel is between the frames and a stream of Node's. */
import { Backlog } from './backlog.js'

type Done = (error?: Error | null) => void

/** Hands on what arrived, no faster than it is read. */
export class Inlet {
  readonly #push: (chunk: Buffer | null) => boolean
  readonly #taken: (bytes: number) => void
  readonly #backlog = new Backlog()
  #isWanted = false
  #isDropped = false
  #ended = false

  constructor(push: (chunk: Buffer | null) => boolean, taken: (bytes: number) => void) {
    this.#push = push
    this.#taken = taken
  }

  add(bytes: Buffer): void {
    if (this.#isDropped) return
    this.#backlog.add(bytes)
    this.#pump()
  }

  end(): void {
    this.#ended = true
    this.#pump()
  }

  wanted(): void {
    this.#isWanted = true
    this.#pump()
  }

  drop(): void {
    this.#isDropped = true
    this.#backlog.clear()
  }

  #pump(): void {
    while (this.#isWanted && !this.#isDropped) {
      const chunk = this.#backlog.take()
      if (chunk === null) {
        if (this.#ended) this.#finish()
        return
      }
      this.#taken(chunk.length)
      this.#isWanted = this.#push(chunk)
    }
  }

  #finish(): void {
    this.#isDropped = true
    this.#push(null)
  }
}

/** Sends what is written as far as the other side takes it; the rest waits for more. */
export class Outlet {
  readonly #send: (bytes: Buffer) => Buffer
  readonly #sayEnd: () => void
  #rest: Buffer | null = null
  #done: Done = () => {}
  #isRefused = false
  #why: Error | null = null

  constructor(send: (bytes: Buffer) => Buffer, sayEnd: () => void) {
    this.#send = send
    this.#sayEnd = sayEnd
  }

  write(bytes: Buffer, done: Done): void {
    this.#rest = bytes
    this.#done = done
    this.more()
  }

  more(): void {
    if (this.#rest === null) return
    if (!this.#isRefused) this.#rest = this.#send(this.#rest)
    if (!this.#isRefused && this.#rest.length > 0) return
    this.#rest = null
    this.#done(this.#why)
  }

  end(done: () => void): void {
    this.#rest = null
    this.#sayEnd()
    done()
  }

  /** Nobody takes any more; `why` is what a writer is told. */
  refuse(why: Error | null): void {
    this.#isRefused = true
    this.#why ??= why
    this.more()
  }
}
