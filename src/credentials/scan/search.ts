import type { Pattern } from './wrappings.js'

/** Most of a pattern's end that is looked for, bytes: tokens of one issuer begin alike, and end each in its own way. */
export const WINDOW = 64

export interface Found {
  readonly pattern: Pattern
  /** where its window begins and ends in the text */
  readonly start: number
  readonly end: number
}

/**
 * Finds many patterns at once by the ends of blocks of three bytes (Wu and Manber, 1994): most of a text is never looked at. Each
 * position costs at most one comparison of a window for each pattern, whatever the text.
 */
export class Search {
  readonly longest: number
  readonly #block: number
  readonly #shift: Uint8Array
  readonly #ending = new Map<number, { pattern: Pattern; window: Buffer }[]>()

  constructor(patterns: readonly Pattern[]) {
    const windows = patterns.map((pattern) => ({ pattern, window: pattern.bytes.subarray(-WINDOW) }))
    this.longest = Math.max(0, ...windows.map(({ window }) => window.length))
    this.#block = Math.min(WINDOW, ...windows.map(({ window }) => window.length))
    this.#shift = new Uint8Array(65_536).fill(this.#block - 2)
    for (const each of windows) {
      for (let end = 2; end < this.#block; end++) {
        const hash = hashAt(each.window, end)
        this.#shift[hash] = Math.min(this.#shift[hash] ?? 0, this.#block - 1 - end)
      }
      const last = hashAt(each.window, this.#block - 1)
      this.#ending.set(last, [...(this.#ending.get(last) ?? []), each])
    }
  }

  /** The first window at or behind `from` that lies in the text as a whole. */
  find(text: Buffer, from: number): Found | null {
    if (this.longest === 0) return null
    const shift = this.#shift
    const { length } = text
    for (let at = from + this.#block - 1; at < length; ) {
      const hash = (((text[at - 2] ?? 0) << 9) ^ ((text[at - 1] ?? 0) << 4) ^ (text[at] ?? 0)) & 65_535
      const skip = shift[hash] ?? 1
      if (skip > 0) {
        at += skip
        continue
      }
      const start = at - this.#block + 1
      for (const { pattern, window } of this.#ending.get(hash) ?? []) {
        const end = start + window.length
        if (end <= length && text.compare(window, 0, window.length, start, end) === 0)
          return { pattern, start, end }
      }
      at++
    }
    return null
  }
}

function hashAt(text: Buffer, at: number): number {
  return (((text[at - 2] ?? 0) << 9) ^ ((text[at - 1] ?? 0) << 4) ^ (text[at] ?? 0)) & 65_535
}
