/** The values that one run knows: to keep them out of the sandbox, and out of what Glovebox says. */
import { type CredentialGrant, type Material, Redactor, secretTexts } from '../../credentials/index.js'

/** A source gives more than a header holds; a line is what a shell would have put somewhere. */
const LINES = /\r?\n/
const PLAIN = /^[\x21-\x7e][\x20-\x7e]{7,16383}$/

/** So many of one credential are kept, of each kind. More than the gateway looks for. */
const MOST_VALUES = 64

interface Known {
  readonly name: string
  readonly value: string
  /** a line that its source gave, or what goes into requests */
  readonly kind: 'heard' | 'learned'
}

export class KnownValues {
  readonly #known = new Map<string, Known>()
  #redactor: Redactor | null = null

  /** What a source gave, right or wrong: each line of it. */
  heard(name: string, text: string): void {
    for (const line of text.split(LINES)) this.#add({ name, value: line.trim(), kind: 'heard' })
  }

  /** What will be put into requests. */
  learn(credential: Pick<CredentialGrant, 'name' | 'use'>, material: Material): void {
    for (const value of secretTexts(credential, material))
      this.#add({ name: credential.name, value, kind: 'learned' })
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

  #add(known: Known): void {
    const before = this.#known.get(known.value)
    if (!PLAIN.test(known.value) || before?.kind === known.kind || before?.kind === 'learned') return
    const own = [...this.#known.values()].filter(
      ({ name, kind }) => name === known.name && kind === known.kind,
    )
    // a file that is written each second would otherwise have a day's values looked for in every text
    for (const { value } of own.slice(0, Math.max(0, own.length + 1 - MOST_VALUES))) this.#known.delete(value)
    this.#known.set(known.value, known)
    this.#redactor = null
  }
}

function walk(data: unknown, text: (text: string) => string): unknown {
  if (typeof data === 'string') return text(data)
  if (Array.isArray(data)) return data.map((each) => walk(each, text))
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(Object.entries(data).map(([key, each]) => [key, walk(each, text)]))
}
