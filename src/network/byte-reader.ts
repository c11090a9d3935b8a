/** Reads forward over bytes that somebody hostile wrote. Beyond the end it gives zeros and says so, instead of throwing. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0
  #overrun = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** something was read that is not there: nothing read from then on means anything */
  get overrun(): boolean {
    return this.#overrun
  }

  /** nothing is left, also after an overrun, so that loops end */
  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  u8(): number {
    return this.#take(1)[0] ?? 0
  }

  u16(): number {
    const [high = 0, low = 0] = this.#take(2)
    return high * 256 + low
  }

  skip(count: number): void {
    this.#take(count)
  }

  /** What stands behind a length of one or two bytes. */
  block(lengthBytes: 1 | 2): Uint8Array {
    return this.#take(lengthBytes === 1 ? this.u8() : this.u16())
  }

  #take(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) {
      this.#overrun = true
      this.#at = this.#bytes.length
      return new Uint8Array()
    }
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }
}
