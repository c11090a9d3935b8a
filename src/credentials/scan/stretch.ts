/** The last of a text that goes on: what is added stands behind what is kept, in one piece of memory. */
export class Stretch {
  bytes: Buffer = EMPTY
  /** place in the text of `bytes[0]` */
  origin = 0
  /** place of what is added next */
  total = 0
  readonly #kept: number
  #own = true

  /** @param kept bytes before what is added that stay, at least */
  constructor(kept: number) {
    this.#kept = kept
  }

  get length(): number {
    return this.total - this.origin
  }

  /** Begins, in the midst of a text, with a part of another. */
  restart(from: Buffer, start: number, end: number, place: number): void {
    this.origin = place
    this.total = place
    this.room(end - start)
    from.copy(this.bytes, 0, start, end)
    this.total += end - start
  }

  append(piece: Buffer): void {
    this.room(piece.length)
    piece.copy(this.bytes, this.length)
    this.total += piece.length
  }

  /** A text that is whole: nothing of it is copied. */
  adopt(text: Buffer): void {
    this.bytes = text
    this.#own = false
    this.total += text.length
  }

  /** So many bytes may be written behind `length`. */
  room(count: number): void {
    const { length, bytes } = this
    if (this.#own && length + count <= bytes.length) return
    const from = Math.max(0, length - this.#kept)
    const need = length - from + count
    // twice what is needed: it is moved once in a while, not for each piece
    if (!this.#own || 2 * need > bytes.length) {
      this.bytes = Buffer.allocUnsafe(2 * need)
      this.#own = true
      bytes.copy(this.bytes, 0, from, length)
    } else bytes.copyWithin(0, from, length)
    this.origin += from
  }
}

const EMPTY = Buffer.alloc(0)
