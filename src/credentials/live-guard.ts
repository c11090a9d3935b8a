import { type Guarded, StreamGuard } from './scan/guard.js'
import type { Needles } from './scan/scanner.js'

/** A guard for streams that outlive a value: what is renewed while one goes on is looked for in the rest of it. */
export class LiveGuard {
  readonly #needles: () => Needles
  readonly #how: 'cut' | 'redact'
  readonly #prompt: boolean
  #current: Needles
  #guard: StreamGuard

  /**
   * @param needles of the moment; the same object as long as nothing was renewed
   * @param prompt both sides wait for each other in turn (`StreamGuard`)
   */
  constructor(needles: () => Needles, how: 'cut' | 'redact', prompt: boolean) {
    this.#needles = needles
    this.#how = how
    this.#prompt = prompt
    this.#current = needles()
    this.#guard = new StreamGuard(this.#current, how, prompt)
  }

  push(piece: Buffer, last = false): Guarded {
    const needles = this.#needles()
    if (needles === this.#current) return this.#guard.push(piece, last)
    // what the one before holds may be the beginning of a value that both know
    const before = this.#guard.push(Buffer.alloc(0), true)
    if (before.cut) return before
    this.#current = needles
    this.#guard = new StreamGuard(needles, this.#how, this.#prompt)
    const next = this.#guard.push(Buffer.concat([before.bytes, piece]), last)
    return { ...next, hits: [...before.hits, ...next.hits] }
  }
}
