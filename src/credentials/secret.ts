import { inspect } from 'node:util'

/** A value that prints as `[secret NAME]` wherever it is put: text, JSON, a log, an error, a debugger. */
export class Secret {
  readonly name: string
  #value: string | null

  constructor(name: string, value: string) {
    this.name = name
    this.#value = value
  }

  /** The value itself, for the one place that needs it; `null` once it was dropped. */
  reveal(): string | null {
    return this.#value
  }

  /** Forgets the value. JavaScript cannot overwrite a string: what the memory holds goes when it is collected. */
  drop(): void {
    this.#value = null
  }

  get dropped(): boolean {
    return this.#value === null
  }

  toString(): string {
    return `[secret ${this.name}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [Symbol.toPrimitive](): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}
