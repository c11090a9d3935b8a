import type { Pattern } from './wrappings.js'

/** Most of a pattern's end that is looked for, bytes: tokens of one issuer begin alike, and end each in its own way. */
export const WINDOW = 64

export interface Found {
  readonly pattern: Pattern
  /** where its window begins and ends in the text */
  readonly start: number
  readonly end: number
}

interface Windowed {
  readonly pattern: Pattern
  readonly window: Buffer
}

/**
 * Finds many patterns at once by the ends of blocks of three bytes (Wu and Manber, 1994): most of a text is never looked at. Each
 * position costs at most one comparison of a window for each pattern, whatever the text.
 */
export class Search {
  readonly longest: number
  readonly #block: number
  readonly #shift: Uint8Array
  readonly #ending = new Map<number, Windowed[]>()

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

  /** The first window at or behind `from` that lies as a whole in the text, which ends at `length`. */
  find(text: Buffer, from: number, length: number): Found | null {
    if (this.longest === 0) return null
    const shift = this.#shift
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
        if (end <= length && isAt(text, start, window)) return { pattern, start, end }
      }
      at++
    }
    return null
  }
}

/** In this language: most differ soon, and a call into Node costs as much as sixty bytes. */
function isAt(text: Buffer, start: number, window: Buffer): boolean {
  const { length } = window
  for (let index = 0; index < length; index++) if (text[start + index] !== window[index]) return false
  return true
}

function hashAt(text: Buffer, at: number): number {
  return (((text[at - 2] ?? 0) << 9) ^ ((text[at - 1] ?? 0) << 4) ^ (text[at] ?? 0)) & 65_535
}
