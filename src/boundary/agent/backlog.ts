/**
 * Bytes that arrived and wait for their reader. Holds little more than they are, in whatever pieces they came: a piece of one byte
 * that keeps the whole buffer it was read into would let a sandbox fill our memory out of a small window. Pure.
 */
const SMALL = 16 * 1024

export class Backlog {
  readonly #parts: Buffer[] = []
  /** small pieces, one after another; the last of `#parts` as far as it is filled */
  #tail: Buffer | null = null
  #filled = 0

  add(bytes: Buffer): void {
    if (bytes.length >= SMALL) {
      this.#close()
      this.#parts.push(bytes)
      return
    }
    for (let at = 0; at < bytes.length; ) {
      this.#tail ??= Buffer.allocUnsafeSlow(SMALL)
      const copied = bytes.copy(this.#tail, this.#filled, at)
      this.#filled += copied
      at += copied
      if (this.#filled === SMALL) this.#close()
    }
  }

  /** What came first; `null`: there is nothing. */
  take(): Buffer | null {
    if (this.#parts.length === 0) this.#close()
    return this.#parts.shift() ?? null
  }

  clear(): void {
    this.#close()
    this.#parts.length = 0
  }

  #close(): void {
    if (this.#tail !== null) this.#parts.push(this.#tail.subarray(0, this.#filled))
    this.#tail = null
    this.#filled = 0
  }
}
