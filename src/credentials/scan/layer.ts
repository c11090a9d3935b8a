import type { Beginnings } from './beginnings.js'
import { type Search, WINDOW } from './search.js'
import { Stretch } from './stretch.js'
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
  readonly beginnings: Beginnings
  readonly patterns: readonly Pattern[]
  /** all but one byte of the longest pattern: how much before a byte can matter to it */
  readonly keep: number
}

/**
 * Bytes before what is new that a layer remembers. Twice the longest pattern: what reads this text may leave out line ends. And what waits
 * to be read, which is no more than an escape.
 */
const remembered = ({ keep }: Wanted) => 2 * keep + WINDOW

/** A reading of the stream: its text, which is looked through, and the layers that read it in turn. */
export abstract class Layer {
  readonly text: Stretch
  protected readonly wanted: Wanted
  readonly #depth: number
  /** up to where it was looked through */
  #looked = 0

  constructor(wanted: Wanted, depth: number) {
    this.wanted = wanted
    this.#depth = depth
    this.text = new Stretch(remembered(wanted))
  }

  /** The place in the stream that a place of its text comes from. */
  abstract raw(place: number): number

  protected abstract get below(): readonly Below[]

  /**
   * The stream's first byte that may belong to something not seen as a whole yet; none lies beyond `end`.
   * @param prompt as `Beginnings` has it
   */
  open(end: number, prompt: boolean): number {
    const { text } = this
    const begun = this.wanted.beginnings.longestAt(text.bytes, text.length, prompt)
    return this.openBelow(begun === 0 ? end : Math.min(end, this.raw(text.total - begun)), prompt)
  }

  protected openBelow(end: number, prompt: boolean): number {
    let first = end
    for (const layer of this.below) first = Math.min(first, layer.open(first, prompt))
    return first
  }

  /** Its text is that of another layer up to here, where it was looked through. */
  protected seen(): void {
    this.#looked = this.text.total
  }

  /** What its text has got more is looked through, and handed on. */
  protected taken(last: boolean, hits: Hit[]): void {
    this.#look(hits)
    for (const layer of this.below) layer.feed(last, hits)
  }

  #look(hits: Hit[]): void {
    const { search } = this.wanted
    const { bytes, origin, length } = this.text
    const old = this.#looked - origin
    this.#looked = this.text.total
    let from = Math.max(0, old - search.longest + 1)
    for (
      let found = search.find(bytes, from, length);
      found !== null;
      found = search.find(bytes, from, length)
    ) {
      from = found.end > old ? found.end : found.start + 1
      if (found.end <= old) continue
      const { name, wrapping, bytes: whole } = found.pattern
      const start = found.start - wholeBefore(bytes, found.start, whole, found.end - found.start)
      const [first, end] = [this.raw(origin + start), this.raw(origin + found.end)]
      hits.push({ name, wrapping, depth: this.#depth, start: first, end })
    }
  }
}

/** A layer that reads another. */
export interface Below {
  /** Nothing in it or below depends on what was. */
  readonly idle: boolean
  /** The text above begins anew there. */
  startAt(place: number): void
  /** The text above goes on, or ends. */
  feed(last: boolean, hits: Hit[]): void
  open(end: number, prompt: boolean): number
}

/** How much of the pattern stands before its window, too, bytes. */
function wholeBefore(text: Buffer, start: number, pattern: Buffer, window: number): number {
  let count = 0
  const rest = pattern.length - window
  while (count < rest && start - count > 0 && text[start - count - 1] === pattern[rest - count - 1]) count++
  return count
}
