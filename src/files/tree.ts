/**
 * What comes out of a sandbox, checked entry by entry before any of it is kept. The side that names the entries is
 * hostile: names are bounded plain text, parents come before children, nothing comes twice, and the whole is bounded.
 */

export interface CollectBounds {
  /** bytes of all files together */
  readonly bytes: number
  /** files and folders together */
  readonly entries: number
}

export interface TreeRefusal {
  readonly path: string
  /** continues "PATH …" */
  readonly why: string
}

const MAX_NAME_BYTES = 255
const MAX_PATH = 4095
const MAX_SHOWN = 160
// Control characters, and what makes a terminal or a reader see another name: bidi marks, what has no width, line
// separators, tags, lone surrogates.
const DECEPTIVE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffd\u{e0000}-\u{e007f}]|\p{Cs}/u

/** A path of the job's in a message: nothing in it acts on a terminal or misleads a reader. */
export function quotedPath(path: string): string {
  const cut = path.length > MAX_SHOWN ? `${path.slice(0, MAX_SHOWN)}…` : path
  return JSON.stringify(cut).replace(
    new RegExp(DECEPTIVE, 'gu'),
    (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`,
  )
}

/** Why this can't be the name of a collected file; `null` when it can. */
export function badEntryName(name: string): string | null {
  if (name === '' || name === '.' || name === '..') return 'has no proper name'
  if (name.includes('/') || DECEPTIVE.test(name)) return 'has control or invisible characters in its name'
  return Buffer.byteLength(name) > MAX_NAME_BYTES ? 'has a name longer than 255 bytes' : null
}

export class TreeCheck {
  readonly #bounds: CollectBounds
  readonly #folders = new Set<string>()
  readonly #seen = new Set<string>()
  #bytes = 0

  constructor(bounds: CollectBounds) {
    this.#bounds = bounds
  }

  /** A new collection at `base`: whatever comes next must be it, or lie below a folder that came. */
  folder(path: string, base: string): TreeRefusal | null {
    const refusal = this.#entry(path, base)
    if (refusal === null) this.#folders.add(path)
    return refusal
  }

  file(path: string, base: string, bytes: number): TreeRefusal | null {
    const refusal = this.#entry(path, base)
    if (refusal !== null) return refusal
    this.#bytes += bytes
    if (!Number.isSafeInteger(bytes) || bytes < 0 || this.#bytes > this.#bounds.bytes)
      return {
        path,
        why: `would make more than ${this.#bounds.bytes} bytes of output files (limits.scratch)`,
      }
    return null
  }

  #entry(path: string, base: string): TreeRefusal | null {
    if (path.length > MAX_PATH) return { path: `${path.slice(0, 80)}…`, why: 'is too long a path' }
    if (this.#seen.has(path)) return { path, why: 'came twice' }
    this.#seen.add(path)
    if (this.#seen.size > this.#bounds.entries)
      return { path, why: `would make more than ${this.#bounds.entries} output files and folders` }
    if (path === base) return null
    const slash = path.lastIndexOf('/')
    if (!this.#folders.has(path.slice(0, slash === 0 ? 1 : slash)))
      return { path, why: 'came without its folder' }
    const why = badEntryName(path.slice(slash + 1))
    return why === null ? null : { path, why }
  }
}
