import { Beginnings } from './beginnings.js'
import { LayerBehind } from './behind.js'
import { type Below, type Hit, Layer, type Wanted } from './layer.js'
import { escapes, lineEnds } from './readings.js'
import { Search } from './search.js'
import type { Pattern } from './wrappings.js'

/** How often escapes are read one inside another: percent in percent, in JSON. */
const DEPTH = 3

/** Pieces are taken in parts: so much memory is a stream's, bytes. */
const MOST_PART = 16_384

/** Patterns made ready once, for any number of streams. */
export class Needles {
  readonly wanted: Wanted

  constructor(patterns: readonly Pattern[]) {
    const beginnings = new Beginnings(patterns)
    const keep = Math.max(1, beginnings.longest) - 1
    this.wanted = { search: new Search(patterns), beginnings, patterns, keep }
  }

  get none(): boolean {
    return this.wanted.patterns.length === 0
  }

  /** All in one text. */
  scan(text: Buffer): Hit[] {
    return this.none ? [] : unique(new AsSent(this.wanted).whole(text))
  }
}

/**
 * Looks through a stream, in pieces of any size, for values in their wrappings, behind escapes up to three deep, and in Base64 that
 * is broken into lines. Memory: some times 16 KiB and the longest pattern. Time: linear.
 */
export class Scanner {
  readonly #sent: AsSent

  constructor({ wanted }: Needles) {
    this.#sent = new AsSent(wanted)
  }

  /** What the piece completes; positions count from the stream's beginning. */
  feed(piece: Buffer, last = false): Hit[] {
    return unique(this.#sent.feed(piece, last))
  }

  /** Up to where nothing of the stream can be part of something that is not complete yet. `prompt`: as a guard has it */
  safe(prompt: boolean): number {
    return this.#sent.open(this.#sent.text.total, prompt)
  }
}

/** The stream itself. */
class AsSent extends Layer {
  protected override readonly below: readonly Below[]

  constructor(wanted: Wanted) {
    super(wanted, 0)
    this.below = readingsOf(wanted, this, 0)
  }

  override raw(place: number): number {
    return place
  }

  feed(piece: Buffer, last: boolean): Hit[] {
    const hits: Hit[] = []
    let at = 0
    do {
      const part = piece.subarray(at, at + MOST_PART)
      at += part.length
      this.text.append(part)
      this.taken(last && at === piece.length, hits)
    } while (at < piece.length)
    return hits
  }

  /** Nothing was before, and nothing follows. */
  whole(text: Buffer): Hit[] {
    const hits: Hit[] = []
    this.text.adopt(text)
    this.taken(true, hits)
    return hits
  }
}

function readingsOf(wanted: Wanted, above: Layer, depth: number): readonly Below[] {
  const lines = new LayerBehind(wanted, depth + 1, above, lineEnds, () => [])
  if (depth === DEPTH) return [lines]
  return [
    lines,
    new LayerBehind(wanted, depth + 1, above, escapes, (layer) => readingsOf(wanted, layer, depth + 1)),
  ]
}

/** One place is found by each layer that reads it alike; the one with the least readings comes first. */
function unique(hits: readonly Hit[]): Hit[] {
  if (hits.length < 2) return [...hits]
  const seen = new Set<string>()
  return hits.filter(({ name, start, end }) => {
    const place = `${name} ${start} ${end}`
    return !seen.has(place) && seen.add(place)
  })
}
