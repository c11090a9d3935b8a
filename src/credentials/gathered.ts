/** Bytes that are held until they are whole. They come in pieces of any size, each of one byte if the job likes: no piece is kept as one. */
export class Gathered {
  #bytes: Buffer = Buffer.alloc(0)
  length = 0

  push(piece: Buffer): void {
    const needed = this.length + piece.length
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length, 1024))
      this.#bytes.copy(larger, 0, 0, this.length)
      this.#bytes = larger
    }
    piece.copy(this.#bytes, this.length)
    this.length = needed
  }

  /** All of it, which is held no longer. */
  take(): Buffer {
    const all = this.#bytes.subarray(0, this.length)
    this.#bytes = Buffer.alloc(0)
    this.length = 0
    return all
  }
}
