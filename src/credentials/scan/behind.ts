import { type Below, type Hit, Layer, type Wanted } from './layer.js'
import { Places } from './places.js'
import { LONGEST_TOKEN, noToken, type Reading } from './readings.js'
import { WINDOW } from './search.js'

/**
 * An active layer takes a piece in slices that grow, bytes: a single escape in a picture makes it read the little around, and a text
 * full of them costs no more for being sliced.
 */
const FIRST_SLICE = 256
const MOST_SLICE = 8192

/** `since` of a layer whose text is that of the one above, as far as anything could span. */
const INACTIVE = Number.POSITIVE_INFINITY

/**
 * Bytes of text whose places are known, for each one that may matter: what reads this text in turn asks for the place of an escape that
 * it began with. Were it not known any more, a value would seem to begin within its own spelling, and what is before that would go on.
 */
const PLACES = LONGEST_TOKEN

/**
 * What a text reads as. As long as it reads nothing otherwise than the layer above, it is inactive: it has no text of its own, and costs
 * no more than the look for something to read.
 */
export class LayerBehind extends Layer implements Below {
  readonly #above: Layer
  readonly #reading: Reading
  /** those that read this one: most streams never need them */
  readonly #makeBelow: (layer: Layer) => readonly Below[]
  #below: readonly Below[] | null = null
  readonly #places = new Places()
  /** what it reads otherwise next, if anything; its place is an index of the text above */
  readonly #token = noToken()
  #next = false
  /** text since it last read something otherwise, bytes */
  #since = INACTIVE
  /** up to where it has read the text above */
  #read = 0
  /** takes more of the text above to go on */
  #waiting = false

  constructor(
    wanted: Wanted,
    depth: number,
    above: Layer,
    reading: Reading,
    makeBelow: (layer: Layer) => readonly Below[],
  ) {
    super(wanted, depth)
    this.#above = above
    this.#reading = reading
    this.#makeBelow = makeBelow
  }

  raw(place: number): number {
    if (this.#since === INACTIVE) return this.#above.raw(place)
    return this.#above.raw(place >= this.text.total ? this.#read : this.#places.at(place))
  }

  get idle(): boolean {
    return this.#since === INACTIVE && !this.#waiting
  }

  startAt(place: number): void {
    this.#read = place
  }

  override open(end: number, prompt: boolean): number {
    if (this.idle) return end
    const first = this.#waiting ? Math.min(end, this.#openBefore(end, prompt)) : end
    return this.#since === INACTIVE ? first : super.open(first, prompt)
  }

  /** What is pending may go on a beginning that stands before it: in the text above, as long as this is that text. */
  #openBefore(end: number, prompt: boolean): number {
    const { text } = this.#above
    if (!prompt) return this.#above.raw(this.#read)
    if (this.#since !== INACTIVE) return end
    const length = this.wanted.beginnings.longestAt(text.bytes, this.#read - text.origin, true)
    return length === 0 ? end : this.#above.raw(this.#read - length)
  }

  protected override get below(): readonly Below[] {
    this.#below ??= this.#makeBelow(this)
    return this.#below
  }

  feed(last: boolean, hits: Hit[]): void {
    const { origin, length } = this.#above.text
    this.#waiting = false
    this.#seek(this.#read - origin, last)
    for (let size = FIRST_SLICE; ; size = Math.min(2 * size, MOST_SLICE)) {
      if (this.#since === INACTIVE) {
        if (!this.#isToken) break
        this.#begin()
        size = FIRST_SLICE
      }
      this.#readSlice(Math.min(length, this.#read - origin + size), last)
      const done = this.#read === origin + this.#end
      this.taken(done && last, hits)
      this.#places.forget(this.text.total - PLACES * (this.wanted.keep + WINDOW))
      if (done) break
      this.#rest()
    }
    this.#read = origin + this.#end
    this.#waiting = this.#end < length
    this.#rest()
  }

  #seek(from: number, last: boolean): void {
    const { bytes, length } = this.#above.text
    this.#next = this.#reading(bytes, from, length, last, this.#token)
  }

  get #isToken(): boolean {
    return this.#next && this.#token.length > 0
  }

  /** Up to where the text above can be read. */
  get #end(): number {
    return this.#next && this.#token.length === 0 ? this.#token.at : this.#above.text.length
  }

  /** Becomes inactive once nothing that it read otherwise can matter any more. */
  #rest(): void {
    const quiet = this.#since > this.wanted.keep + WINDOW && !this.#waiting
    if (quiet && this.below.every((each) => each.idle)) this.#since = INACTIVE
  }

  /** Its text so far is that of the layer above. */
  #begin(): void {
    const { bytes, origin } = this.#above.text
    const { at } = this.#token
    const start = Math.max(0, at - 2 * this.wanted.keep)
    this.text.restart(bytes, start, at, origin + start)
    this.#places.restart(origin + start)
    this.#read = origin + at
    this.#since = 0
    this.seen()
    for (const layer of this.below) {
      layer.startAt(origin + start)
      // what lies in it as a whole was found above
      layer.feed(false, [])
    }
  }

  /** The text up to `to`, as it reads; the last token may stand beyond. Half a million times a MiB, where all is escapes. */
  #readSlice(to: number, last: boolean): void {
    const { text } = this
    const { bytes, length: end, origin } = this.#above.text
    const [token, places, reading] = [this.#token, this.#places, this.#reading]
    text.room(to - (this.#read - origin) + LONGEST_TOKEN)
    const out = text.bytes
    let length = text.length
    let at = this.#read - origin
    let quiet = this.#since
    let next = this.#next
    while (next && token.length > 0 && token.at < to) {
      places.note(text.origin + length, origin + at)
      if (token.at > at) length = copied(bytes, at, token.at, out, length)
      for (let index = 0; index < token.count; index++) out[length++] = token.bytes >>> (8 * index)
      quiet = 0
      at = token.at + token.length
      next = reading(bytes, at, end, last, token)
    }
    const stop = next ? Math.min(to, token.at) : to
    if (stop > at) {
      places.note(text.origin + length, origin + at)
      length = copied(bytes, at, stop, out, length)
      quiet += stop - at
      at = stop
    }
    text.total = text.origin + length
    this.#next = next
    this.#since = quiet
    this.#read = origin + at
  }
}

/** Calls into Node cost as much as some bytes. */
function copied(text: Buffer, from: number, to: number, out: Buffer, length: number): number {
  if (to - from > 128) return length + text.copy(out, length, from, to)
  let end = length
  for (let at = from; at < to; at++) out[end++] = text[at] ?? 0
  return end
}
