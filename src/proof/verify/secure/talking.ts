/** Talks to `native/probe` in its attempt `talk`: connections that it makes, as streams here. What it says is hostile, and bounded. */
import { Duplex, type Writable } from 'node:stream'
import { visible } from '../../../errors/index.js'
import { type Callee, type Line, type Talk, TalkProblem, UNTOLD } from '../../probes/index.js'
import { lineOver } from './line.js'

/** native/probe/talk.c */
const LINES = 16
const MAX_FRAME = (1 << 16) + 1
const HEAD_BYTES = 5
/** of what is sent at once, bytes */
const PIECE = 32_768

type Heard = (content: Buffer | null) => void

export class Talking implements Talk {
  readonly #stdin: Writable
  readonly #carriers = new Map<number, Carrier>()
  readonly #calls = new Map<number, Heard>()
  readonly #looks: Heard[] = []
  #pending: Buffer = Buffer.alloc(0)
  #next = 0
  #over = false

  constructor(stdin: Writable) {
    this.#stdin = stdin
    stdin.on('error', () => this.over())
  }

  /** Of its standard output. */
  hear(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk])
    while (!this.#over && this.#pending.length >= HEAD_BYTES) {
      const length = this.#pending.readUInt32LE(1)
      if (length > MAX_FRAME) {
        this.over()
        return
      }
      if (this.#pending.length < HEAD_BYTES + length) return
      const tag = String.fromCharCode(this.#pending[0] ?? 0)
      const content = this.#pending.subarray(HEAD_BYTES, HEAD_BYTES + length)
      this.#pending = this.#pending.subarray(HEAD_BYTES + length)
      this.#obey(tag, content)
    }
  }

  /** Nothing more is heard: it has ended. */
  over(): void {
    this.#over = true
    for (const heard of [...this.#calls.values(), ...this.#looks.splice(0)]) heard(null)
    this.#calls.clear()
    for (const carrier of this.#carriers.values()) carrier.destroy()
    this.#carriers.clear()
  }

  variable(name: string): Promise<string | null> {
    return this.#look('v', name)
  }

  file(path: string): Promise<string | null> {
    return this.#look('f', path)
  }

  async call(to: Callee): Promise<Line> {
    const number = this.#next
    this.#next = (this.#next + 1) % LINES
    const answer = new Promise<Buffer | null>((resolve) => this.#calls.set(number, resolve))
    const carrier = new Carrier(
      (bytes) => this.#send('d', Buffer.of(number), bytes),
      () => this.#send('x', Buffer.of(number)),
    )
    this.#carriers.set(number, carrier)
    this.#send('c', Buffer.of(number), Buffer.from(`${to.host} ${to.port}`))
    const word = (await answer)?.toString('latin1', 1)
    if (word === undefined) throw new TalkProblem(UNTOLD)
    if (word !== 'ok') throw new TalkProblem(visible(word.slice(0, 24)))
    return lineOver(carrier, to)
  }

  async #look(tag: 'v' | 'f', what: string): Promise<string | null> {
    const content = await new Promise<Buffer | null>((resolve) => {
      this.#looks.push(resolve)
      this.#send(tag, Buffer.from(what))
    })
    if (content === null) throw new TalkProblem(UNTOLD)
    return content.length === 0 ? null : content.toString('latin1', 1)
  }

  #obey(tag: string, content: Buffer): void {
    const number = content[0] ?? LINES
    if (tag === 'v' || tag === 'f') this.#looks.shift()?.(Buffer.from(content))
    else if (tag === 'c') {
      this.#calls.get(number)?.(Buffer.from(content))
      this.#calls.delete(number)
    } else if (tag === 'd') this.#carriers.get(number)?.push(Buffer.from(content.subarray(1)))
    else if (tag === 'x') this.#carriers.get(number)?.push(null)
    else this.over()
  }

  #send(tag: string, ...content: readonly Buffer[]): void {
    if (this.#over || this.#stdin.destroyed || this.#stdin.writableEnded) return
    const head = Buffer.alloc(HEAD_BYTES)
    head.write(tag, 'latin1')
    head.writeUInt32LE(
      content.reduce((sum, { length }) => sum + length, 0),
      1,
    )
    this.#stdin.write(Buffer.concat([head, ...content]))
  }
}

/** A connection that is made elsewhere. */
class Carrier extends Duplex {
  constructor(
    private readonly send: (bytes: Buffer) => void,
    private readonly hangUp: () => void,
  ) {
    super()
    this.on('error', () => {})
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    for (let at = 0; at < bytes.length; at += PIECE) this.send(bytes.subarray(at, at + PIECE))
    done()
  }

  override _final(done: () => void): void {
    this.hangUp()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.hangUp()
    done(error)
  }
}
