/** The values that one run knows: to keep them out of the sandbox, and out of what Glovebox says. */
import { type Material, Redactor } from '../../credentials/index.js'

/** A source gives more than a header holds; a line is what a shell would have put somewhere. */
const LINES = /\r?\n/
const PLAIN = /^[\x21-\x7e][\x20-\x7e]{7,16383}$/

interface Known {
  readonly name: string
  readonly value: string
}

export class KnownValues {
  readonly #known = new Map<string, Known>()
  #redactor: Redactor | null = null

  /** What a source gave, right or wrong: each line of it. */
  heard(name: string, text: string): void {
    for (const line of text.split(LINES)) this.#add(name, line.trim())
  }

  /** What will be put into requests. */
  learn(name: string, material: Material): void {
    for (const value of revealed(material)) this.#add(name, value)
  }

  /** The text with `[secret NAME]` in place of each value, in whichever wrapping. */
  redact(text: string): string {
    return this.#known.size === 0 ? text : this.#all.text(text)
  }

  /** Plain data with each of its texts redacted; itself, where there is nothing to redact. */
  redactAll<T>(data: T): T {
    if (this.#known.size === 0) return data
    const texts: string[] = []
    walk(data, (text) => {
      texts.push(text)
      return text
    })
    // a report has thousands of texts, and looking through one costs more to begin than to go on
    const whole = texts.join('\n')
    return this.#all.text(whole) === whole ? data : (walk(data, (text) => this.#all.text(text)) as T)
  }

  /** Whose value is in the text; `null`: none is. */
  nameIn(text: string): string | null {
    return this.#known.size === 0 ? null : this.#all.nameIn(Buffer.from(text, 'utf8'))
  }

  /** The same for data of any size, for values as they are. @param piece from the end of the one before, so that nothing falls between */
  nameInBytes(piece: Buffer): string | null {
    for (const { name, value } of this.#known.values()) if (piece.includes(value, 0, 'latin1')) return name
    return null
  }

  /** How much of a piece {@link nameInBytes} has to see again with the next one, bytes. */
  get overlap(): number {
    return Math.max(0, ...[...this.#known.values()].map(({ value }) => value.length - 1))
  }

  get #all(): Redactor {
    this.#redactor ??= new Redactor([...this.#known.values()])
    return this.#redactor
  }

  #add(name: string, value: string): void {
    if (!PLAIN.test(value) || this.#known.has(value)) return
    this.#known.set(value, { name, value })
    this.#redactor = null
  }
}

function revealed(material: Material): string[] {
  if (material.kind === 'value') return [material.value.reveal() ?? '']
  const { secret, sessionToken } = material.keys
  return [secret.reveal() ?? '', sessionToken?.reveal() ?? '']
}

function walk(data: unknown, text: (text: string) => string): unknown {
  if (typeof data === 'string') return text(data)
  if (Array.isArray(data)) return data.map((each) => walk(each, text))
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(Object.entries(data).map(([key, each]) => [key, walk(each, text)]))
}
