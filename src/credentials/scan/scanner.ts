import { type Hit, Layer, type Wanted } from './layer.js'
import { escapes, lineEnds } from './readings.js'
import { Search } from './search.js'
import type { Pattern } from './wrappings.js'

/** How often escapes are read one inside another: percent in percent, in JSON. */
const DEPTH = 3

/** Patterns made ready once, for any number of streams. */
export class Needles {
  readonly wanted: Wanted

  constructor(patterns: readonly Pattern[]) {
    const longest = Math.max(1, ...patterns.map(({ bytes }) => bytes.length))
    this.wanted = { search: new Search(patterns), patterns, keep: longest - 1 }
  }

  get none(): boolean {
    return this.wanted.patterns.length === 0
  }

  /** All in one text. */
  scan(text: Buffer): Hit[] {
    return this.none ? [] : new Scanner(this).feed(text, true)
  }
}

/**
 * Looks through a stream, in pieces of any size, for values in their wrappings, behind escapes up to three deep, and in Base64 that
 * is broken into lines. Memory: a few times the longest pattern. Time: linear.
 */
export class Scanner {
  readonly #raw: Layer
  #total = 0

  constructor({ wanted }: Needles) {
    const below = (layer: Layer, depth: number): Layer[] => [
      new Layer(wanted, depth + 1, lineEnds, layer, () => []),
      ...(depth === DEPTH
        ? []
        : [new Layer(wanted, depth + 1, escapes, layer, (next) => below(next, depth + 1))]),
    ]
    this.#raw = new Layer(wanted, 0, null, null, (layer) => below(layer, 0))
  }

  /** What the piece completes; positions count from the stream's beginning. */
  feed(piece: Buffer, last = false): Hit[] {
    const hits: Hit[] = []
    this.#total += piece.length
    this.#raw.feedRaw(piece, last, hits)
    return unique(hits)
  }

  /** Up to where nothing of the stream can be part of something that is not complete yet. `prompt`: as a guard has it */
  safe(prompt: boolean): number {
    return this.#raw.open(this.#total, prompt)
  }
}

/** One place is found by each layer that reads it alike; the one with the least readings comes first. */
function unique(hits: readonly Hit[]): Hit[] {
  const seen = new Set<string>()
  return hits.filter(({ name, start, end }) => {
    const place = `${name} ${start} ${end}`
    return !seen.has(place) && seen.add(place)
  })
}
