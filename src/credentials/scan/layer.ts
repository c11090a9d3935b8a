import type { Next, Reading } from './readings.js'
import { type Search, WINDOW } from './search.js'
import type { Pattern, Wrapping } from './wrappings.js'

export interface Hit {
  readonly name: string
  readonly wrapping: Wrapping
  /** how many readings it was found behind; 0: as it was sent */
  readonly depth: number
  /** bytes of the stream as it was sent; the end is exclusive */
  readonly start: number
  readonly end: number
}

/** What all layers of one scanner share. */
export interface Wanted {
  readonly search: Search
  readonly patterns: readonly Pattern[]
  /** bytes of its text that a layer remembers: all but one of the longest pattern */
  readonly keep: number
}

/** What a layer reads: text that follows what it had, and a view of the text before it. */
interface Above {
  readonly total: number
  readonly tail: Buffer
  /** the place in the stream that a position of its text comes from */
  raw(position: number): number
}

/** A piece of the text above, with what was left of the one before. */
interface Source {
  readonly text: Buffer
  /** where it begins in the text above */
  readonly start: number
  readonly last: boolean
  /** the byte before it; -1: none */
  readonly previous: number
}

/** No pattern is shorter. */
const HEAD = 8

/**
 * An active layer takes a piece in slices that grow, bytes: a single escape in a picture makes it read the little around, and a text
 * full of them costs no more for being sliced.
 */
const FIRST_SLICE = 256
const MOST_SLICE = 16_384

/** `since` of a layer whose text is that of the one above, as far as anything could span. */
const INACTIVE = Number.POSITIVE_INFINITY

/**
 * One reading of a stream, in pieces. As long as it reads nothing otherwise than the layer above, it is inactive: it has no text of its
 * own, and costs no more than the look for something to read.
 */
export class Layer implements Above {
  /** bytes of its text so far */
  total = 0
  tail: Buffer = Buffer.alloc(0)
  readonly #reading: Reading | null
  readonly #depth: number
  readonly #wanted: Wanted
  readonly #above: Above | null
  readonly #below: readonly Layer[]
  #pending: Buffer = Buffer.alloc(0)
  /** text since it last read something otherwise, bytes */
  #since: number
  /** runs of its text: where each begins, here and above */
  #outs: number[] = []
  #ins: number[] = []
  /** up to where it has read the text above */
  #read = 0

  constructor(
    wanted: Wanted,
    depth: number,
    reading: Reading | null,
    above: Above | null,
    below: (layer: Layer) => readonly Layer[],
  ) {
    this.#wanted = wanted
    this.#depth = depth
    this.#reading = reading
    this.#above = above
    this.#since = reading === null ? 0 : INACTIVE
    this.#below = below(this)
  }

  raw(position: number): number {
    if (this.#above === null) return position
    if (this.#since === INACTIVE) return this.#above.raw(position)
    return this.#above.raw(this.#locate(position))
  }

  /** The next piece of the stream itself. */
  feedRaw(piece: Buffer, last: boolean, hits: Hit[]): void {
    this.#take(piece, last, hits)
  }

  /**
   * The stream's first byte that may belong to something not seen as a whole yet; none lies beyond `end`.
   * @param prompt less than {@link HEAD} of a pattern is none
   */
  open(end: number, prompt: boolean): number {
    let first = end
    if (this.#reading === null || this.#since !== INACTIVE)
      first = Math.min(first, this.raw(this.total - this.#prefix(this.tail, prompt)))
    if (this.#above !== null && this.#pending.length > 0)
      first = Math.min(first, prompt ? this.#openBefore(this.#above, end) : this.#above.raw(this.#read))
    for (const layer of this.#below) first = Math.min(first, layer.open(end, prompt))
    return first
  }

  /** What is pending may go on a beginning that stands before it: in the text above, as long as this is that text. */
  #openBefore(above: Above, end: number): number {
    if (this.#since !== INACTIVE) return end
    const { tail, total } = above
    const before = tail.subarray(0, Math.max(0, tail.length - (total - this.#read)))
    const length = this.#prefix(before, true)
    return length === 0 ? end : above.raw(this.#read - length)
  }

  /** Whether nothing in it or below depends on what was. */
  get #idle(): boolean {
    return this.#since === INACTIVE && this.#pending.length === 0
  }

  /** A piece of the text above, which has taken it already. */
  #feed(above: Above, before: Buffer, piece: Buffer, last: boolean, hits: Hit[]): void {
    const text = this.#pending.length === 0 ? piece : Buffer.concat([this.#pending, piece])
    const start = above.total - text.length
    const head = before.subarray(0, Math.max(0, before.length - this.#pending.length))
    const source: Source = { text, start, last, previous: head[head.length - 1] ?? -1 }
    this.#pending = EMPTY
    let next = this.#next(source, 0)
    let at = 0
    for (let size = FIRST_SLICE; ; size = Math.min(2 * size, MOST_SLICE)) {
      if (this.#since === INACTIVE) {
        if (next === null || 'wait' in next) break
        this.#begin(endOf(head, text, next.at, this.#wanted.keep), start + next.at)
        at = next.at
        size = FIRST_SLICE
      }
      const slice = this.#readSlice(source, at, Math.min(text.length, at + size), next)
      at = slice.at
      next = slice.next
      const done = at >= text.length || (next !== null && 'wait' in next && at === next.at)
      this.#take(slice.fresh, done && last, hits)
      if (done) break
      this.#rest()
    }
    const end = next !== null && 'wait' in next ? next.at : text.length
    this.#pending = end === text.length ? EMPTY : Buffer.from(text.subarray(end))
    this.#read = start + end
    this.#rest()
  }

  #next({ text, last, previous }: Source, from: number): Next {
    return this.#reading?.(text, from, last, previous) ?? null
  }

  /** Becomes inactive once nothing that it read otherwise can matter any more. */
  #rest(): void {
    const quiet = this.#since > this.#wanted.keep + WINDOW && this.#pending.length === 0
    if (quiet && this.#below.every((each) => each.#idle)) this.#since = INACTIVE
  }

  /** Its text so far is that of the layer above. */
  #begin(tail: Buffer, at: number): void {
    this.total = at - tail.length
    this.tail = EMPTY
    this.#outs = [this.total]
    this.#ins = [this.total]
    this.#read = at
    this.#since = 0
    // what lies in it as a whole was found above
    this.#take(tail, false, [])
  }

  /** The text from `from` to `to`, as it reads; `next`: what is read otherwise next. */
  #readSlice(
    source: Source,
    from: number,
    to: number,
    next: Next,
  ): { fresh: Buffer; at: number; next: Next } {
    const { text, start } = source
    // the last token may stand beyond the end
    const out = Buffer.allocUnsafe(to - from + 8)
    let length = 0
    let at = from
    const run = (end: number) => {
      if (end <= at) return
      this.#segment(this.total + length, start + at)
      length = copied(text, at, end, out, length)
      this.#since += end - at
      at = end
    }
    let token = next
    while (token !== null && !('wait' in token) && token.at < to) {
      run(token.at)
      this.#segment(this.total + length, start + token.at)
      for (const byte of token.bytes) out[length++] = byte
      this.#since = 0
      at = token.at + token.length
      token = this.#next(source, at)
    }
    run(token === null ? to : Math.min(to, token.at))
    this.#read = start + at
    return { fresh: out.subarray(0, length), at, next: token }
  }

  #segment(out: number, input: number): void {
    const last = this.#outs.length - 1
    if (last >= 0 && out - (this.#outs[last] ?? 0) === input - (this.#ins[last] ?? 0)) return
    this.#outs.push(out)
    this.#ins.push(input)
  }

  #locate(position: number): number {
    if (position >= this.total) return this.#read
    let [low, high] = [0, this.#outs.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#outs[middle] ?? 0) <= position) low = middle
      else high = middle - 1
    }
    return (this.#ins[low] ?? 0) + position - (this.#outs[low] ?? 0)
  }

  /** New text of its own: looked through, and handed on. */
  #take(fresh: Buffer, last: boolean, hits: Hit[]): void {
    const before = this.tail
    const text = before.length === 0 ? fresh : Buffer.concat([before, fresh])
    this.total += fresh.length
    this.#look(text, before.length, hits)
    this.tail = text.subarray(Math.max(0, text.length - this.#wanted.keep))
    for (const layer of this.#below) layer.#feed(this, before, fresh, last, hits)
    this.#forget()
  }

  #look(text: Buffer, old: number, hits: Hit[]): void {
    const { search } = this.#wanted
    const origin = this.total - text.length
    let from = Math.max(0, old - search.longest + 1)
    for (let found = search.find(text, from); found !== null; found = search.find(text, from)) {
      from = found.end > old ? found.end : found.start + 1
      if (found.end <= old) continue
      const { name, wrapping, bytes } = found.pattern
      const start = found.start - wholeBefore(text, found.start, bytes, found.end - found.start)
      hits.push({
        name,
        wrapping,
        depth: this.#depth,
        start: this.raw(origin + start),
        end: this.raw(origin + found.end),
      })
    }
  }

  /** How much of a text's end is the beginning of a pattern, bytes. `prompt`: not less than half of a short one, nor less than {@link HEAD} */
  #prefix(tail: Buffer, prompt: boolean): number {
    let longest = 0
    for (const { bytes } of this.#wanted.patterns) {
      const most = Math.min(tail.length, bytes.length - 1)
      // by eight bytes at once: one alone may be all that a hostile text consists of, and each piece of it would cost its length
      const head = bytes.subarray(0, HEAD)
      for (let at = tail.indexOf(head, tail.length - most); at !== -1; at = tail.indexOf(head, at + 1)) {
        const length = tail.length - at
        if (length <= longest) break
        if (tail.compare(bytes, 0, length, at) !== 0) continue
        longest = length
        break
      }
      const least = prompt ? Math.min(HEAD, Math.ceil(bytes.length / 2)) : 1
      for (let length = Math.min(HEAD - 1, most); length >= Math.max(least, longest + 1); length--)
        if (endsWith(tail, bytes, length)) longest = length
    }
    return longest
  }

  #forget(): void {
    const oldest = this.total - this.#wanted.keep - WINDOW
    let drop = 0
    while (drop + 1 < this.#outs.length && (this.#outs[drop + 1] ?? 0) <= oldest) drop++
    if (drop < 64) return
    this.#outs.splice(0, drop)
    this.#ins.splice(0, drop)
  }
}

const EMPTY = Buffer.alloc(0)

/** Whether it ends with so many bytes of the pattern's beginning. */
function endsWith(tail: Buffer, pattern: Buffer, length: number): boolean {
  const at = tail.length - length
  for (let index = 0; index < length; index++) if (tail[at + index] !== pattern[index]) return false
  return true
}

/** The last bytes before a place in the text, of it and what stood before it. */
function endOf(head: Buffer, text: Buffer, at: number, most: number): Buffer {
  if (at >= most) return text.subarray(at - most, at)
  return Buffer.concat([head.subarray(Math.max(0, head.length - (most - at))), text.subarray(0, at)])
}

/** Calls into Node cost as much as some bytes. */
function copied(text: Buffer, from: number, to: number, out: Buffer, length: number): number {
  if (to - from > 128) return length + text.copy(out, length, from, to)
  let end = length
  for (let at = from; at < to; at++) out[end++] = text[at] ?? 0
  return end
}

/** How much of the pattern stands before its window, too, bytes. */
function wholeBefore(text: Buffer, start: number, pattern: Buffer, window: number): number {
  let count = 0
  const rest = pattern.length - window
  while (count < rest && start - count > 0 && text[start - count - 1] === pattern[rest - count - 1]) count++
  return count
}
