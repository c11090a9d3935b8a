import type { Pattern } from './wrappings.js'

/** No pattern is shorter. */
const HEAD = 8

/** Patterns that begin with the same {@link HEAD} bytes. */
interface Family {
  readonly head: Buffer
  readonly patterns: Buffer[]
  /** length of the shortest, bytes */
  shortest: number
}

/** How a text may end that goes on as a pattern. */
export class Beginnings {
  /** length of the longest pattern, bytes */
  readonly longest: number
  /** by the hash of their first three bytes */
  readonly #families: readonly (readonly Family[] | undefined)[]
  /** by their first byte */
  readonly #starting: readonly (readonly Family[] | undefined)[]

  constructor(patterns: readonly Pattern[]) {
    this.longest = Math.max(0, ...patterns.map(({ bytes }) => bytes.length))
    const all = new Map<string, Family>()
    for (const { bytes } of patterns) {
      const head = bytes.subarray(0, HEAD)
      const key = head.toString('latin1')
      const family = all.get(key) ?? { head, patterns: [], shortest: bytes.length }
      family.patterns.push(bytes)
      family.shortest = Math.min(family.shortest, bytes.length)
      all.set(key, family)
    }
    const families: Family[][] = []
    const starting: Family[][] = []
    for (const family of all.values()) {
      const hash = hashAt(family.head, 0)
      families[hash] = [...(families[hash] ?? []), family]
      const [first = 0] = family.head
      starting[first] = [...(starting[first] ?? []), family]
    }
    this.#families = Array.from({ length: 4096 }, (_, hash) => families[hash])
    this.#starting = Array.from({ length: 256 }, (_, first) => starting[first])
  }

  /**
   * How much of a text's end is the beginning of a pattern, bytes.
   * @param prompt not less than half of a short one, nor than {@link HEAD}
   */
  longestAt(text: Buffer, end: number, prompt: boolean): number {
    const late = end - HEAD
    for (let at = Math.max(0, end - this.longest + 1); at <= late; at++) {
      const families = this.#families[hashAt(text, at)]
      if (families?.some((family) => isWhole(family, text, at, end))) return end - at
    }
    for (let length = Math.min(HEAD - 1, end); length > 0; length--) {
      for (const { head, shortest } of this.#starting[text[end - length] ?? 0] ?? []) {
        if (prompt && length < Math.min(HEAD, Math.ceil(shortest / 2))) continue
        if (isSame(text, end - length, head, length)) return length
      }
    }
    return 0
  }
}

/** Whether the rest of the text is how one of them begins. By their heads first: one byte may be all that a hostile text consists of. */
function isWhole({ head, patterns }: Family, text: Buffer, at: number, end: number): boolean {
  if (!isSame(text, at, head, HEAD)) return false
  const length = end - at
  return patterns.some((bytes) => length < bytes.length && text.compare(bytes, 0, length, at, end) === 0)
}

function isSame(text: Buffer, at: number, head: Buffer, length: number): boolean {
  for (let index = 0; index < length; index++) if (text[at + index] !== head[index]) return false
  return true
}

function hashAt(text: Buffer, at: number): number {
  return (((text[at] ?? 0) << 6) ^ ((text[at + 1] ?? 0) << 3) ^ (text[at + 2] ?? 0)) & 4095
}
