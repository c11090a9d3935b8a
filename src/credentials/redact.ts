import { Needles } from './scan/scanner.js'
import { SHORTEST_VALUE, wrappingsOf } from './scan/wrappings.js'

/** Takes values out of what Glovebox itself says: logs, errors, reports. By value, whatever the text is. */
export class Redactor {
  readonly #needles: Needles

  constructor(values: readonly { readonly name: string; readonly value: string }[]) {
    this.#needles = new Needles(
      values
        .filter(({ value }) => value.length >= SHORTEST_VALUE)
        .flatMap(({ name, value }) => wrappingsOf(name, value)),
    )
  }

  /** Whose value is in these bytes, in whichever wrapping; `null`: none is. */
  nameIn(bytes: Buffer): string | null {
    return this.#needles.scan(bytes)[0]?.name ?? null
  }

  /** The text with `[secret NAME]` in place of each value, in whichever wrapping it was. */
  text(text: string): string {
    return redacted(this.#needles, text)
  }
}

/** The text with `[secret NAME]` in place of what the needles find. */
export function redacted(needles: Needles, text: string): string {
  const bytes = Buffer.from(text, 'utf8')
  const hits = needles.scan(bytes)
  if (hits.length === 0) return text
  const parts: string[] = []
  let at = 0
  for (const { name, start, end } of [...hits].sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (start >= at) parts.push(bytes.toString('utf8', at, start), `[secret ${name}]`)
    at = Math.max(at, end)
  }
  return parts.join('') + bytes.toString('utf8', at)
}
