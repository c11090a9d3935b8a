import type { Hit } from './layer.js'
import { type Needles, Scanner } from './scanner.js'

export interface Guarded {
  /** what may go on now */
  readonly bytes: Buffer
  readonly hits: readonly Hit[]
  /** nothing more may go on */
  readonly cut: boolean
}

/**
 * Lets a stream through without the values: `cut` ends it where the first one begins, `redact` puts stars in its place, as many as it
 * had bytes. What may be the beginning of one waits for the next piece; anything else goes on at once.
 */
export class StreamGuard {
  readonly #scanner: Scanner
  readonly #how: 'cut' | 'redact'
  readonly #prompt: boolean
  #held: Buffer = Buffer.alloc(0)
  /** place of its first byte in the stream */
  #at = 0
  #ended = false

  /**
   * @param prompt of a stream in which each side waits for the other: seven bytes of a value, and what may become an escape, do not
   * wait. Half of all messages end with a byte that some wrapping of a value begins with, and would never arrive
   */
  constructor(needles: Needles, how: 'cut' | 'redact', prompt = false) {
    this.#prompt = prompt
    this.#scanner = new Scanner(needles)
    this.#how = how
  }

  /** @param last nothing follows */
  push(piece: Buffer, last = false): Guarded {
    if (this.#ended) return { bytes: Buffer.alloc(0), hits: [], cut: true }
    const hits = this.#scanner.feed(piece, last)
    const held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece])
    if (hits.length > 0 && this.#how === 'cut') {
      this.#ended = true
      this.#held = Buffer.alloc(0)
      const first = Math.min(...hits.map(({ start }) => start))
      return { bytes: held.subarray(0, Math.max(0, first - this.#at)), hits, cut: true }
    }
    const text = hits.length === 0 ? held : starred(held, this.#at, hits)
    const safe = last ? text.length : Math.max(0, this.#scanner.safe(this.#prompt) - this.#at)
    // a copy: the piece may be the caller's own, to be written over
    this.#held = Buffer.from(text.subarray(safe))
    this.#at += safe
    return { bytes: text.subarray(0, safe), hits, cut: false }
  }
}

function starred(text: Buffer, at: number, hits: readonly Hit[]): Buffer {
  const changed = Buffer.from(text)
  for (const { start, end } of hits) changed.fill('*', Math.max(0, start - at), Math.max(0, end - at))
  return changed
}
