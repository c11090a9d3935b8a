import { printable } from './quote.js'

export type Path = readonly (string | number)[]

/** Where a value was written. */
export interface Place {
  /** file name, flag, or the caller's name for the source */
  readonly source: string
  readonly line: number | null
  readonly column: number | null
  /** rank in document order; flags come after the file */
  readonly order: number
  /** folder that a relative host path written here starts from */
  readonly base: string
}

/** A policy as written: plain data, and the place of every key and value in it. */
export interface Written {
  readonly value: unknown
  readonly places: Places
  /** problems that no value shows, such as a flag that copies an unset variable */
  readonly faults?: readonly Fault[]
}

/** A problem whose place is known already. */
export interface Fault {
  readonly code: string
  readonly path: Path
  readonly place: Place
  readonly what: string
  readonly advice: string
}

/** `files.read[0]`; a key that is no plain name is quoted, `env["a b"]`. */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[A-Za-z_]\w{0,63}$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `["${printable(step, 40)}"]`
  }
  return text
}

/** Places by path; a path that was never written has the place of what encloses it. */
export class Places {
  readonly #values = new Map<string, Place>()
  readonly #keys = new Map<string, Place>()
  readonly #whole: Place

  constructor(whole: Place) {
    this.#whole = whole
  }

  set(path: Path, value: Place, key: Place = value): void {
    this.#values.set(JSON.stringify(path), value)
    this.#keys.set(JSON.stringify(path), key)
  }

  of(path: Path): Place {
    for (let length = path.length; length > 0; length--) {
      const place = this.#values.get(JSON.stringify(path.slice(0, length)))
      if (place !== undefined) return place
    }
    return this.#whole
  }

  ofKey(path: Path): Place {
    return this.#keys.get(JSON.stringify(path)) ?? this.of(path)
  }

  /** Whether something is written at exactly this path. */
  has(path: Path): boolean {
    return path.length === 0 || this.#values.has(JSON.stringify(path))
  }
}
