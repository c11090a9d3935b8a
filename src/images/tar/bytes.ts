import { damagedTar } from './header.js'

/** Reads a stream by counts, without keeping more than a chunk of it. */
export class Bytes {
  readonly #chunks: AsyncIterator<Buffer> | Iterator<Buffer>
  #held: Buffer = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Buffer> | Iterable<Buffer>) {
    this.#chunks = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]()
  }

  /** From one byte to `most`; `null`: there are no more. */
  async some(most: number): Promise<Buffer | null> {
    while (this.#held.length === 0) {
      const next = await this.#chunks.next()
      if (next.done === true) return null
      this.#held = next.value
    }
    const taken = this.#held.subarray(0, most)
    this.#held = this.#held.subarray(taken.length)
    return taken
  }

  /** @throws ImageError when it ends before; `null`: it had ended */
  async exactly(count: number): Promise<Buffer | null> {
    const parts: Buffer[] = []
    for (let left = count; left > 0; ) {
      const part = await this.some(left)
      if (part === null && left === count) return null
      if (part === null) throw damagedTar('it ends too early')
      parts.push(part)
      left -= part.length
    }
    return parts.length === 1 ? (parts[0] ?? null) : Buffer.concat(parts)
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) {
      const part = await this.some(left)
      if (part === null) throw damagedTar('it ends too early')
      left -= part.length
    }
  }

  /** To the end: what was asked for was all that matters. */
  async drain(): Promise<void> {
    while ((await this.some(Number.MAX_SAFE_INTEGER)) !== null);
  }
}
