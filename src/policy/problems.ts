import { PolicyError, type PolicyProblem } from '../errors/index.js'
import { formatPath, type Path, type Place, type Places } from './places.js'
import { printable } from './quote.js'

/** More than a reader can use; a hostile file must not make a message of megabytes. */
const MOST = 50

/** Every problem of one policy, collected while it is read, thrown once. */
export class Problems {
  readonly #places: Places
  readonly #found: { readonly problem: PolicyProblem; readonly order: number }[] = []
  readonly #paths = new Set<string>()

  constructor(places: Places) {
    this.#places = places
  }

  /** A problem with the value at `path`. */
  add(code: string, path: Path, what: string, advice = ''): void {
    this.#push(code, path, this.#places.of(path), what, advice)
  }

  /** A problem with the key itself. */
  addKey(code: string, path: Path, what: string, advice = ''): void {
    this.#push(code, path, this.#places.ofKey(path), what, advice)
  }

  /** A problem at a place that no path has, such as the second of two equal keys. */
  addAt(place: Place, code: string, path: Path, what: string, advice = ''): void {
    this.#push(code, path, place, what, advice)
  }

  /** Whether a problem was found at this path or below it. */
  within(path: Path): boolean {
    return this.#paths.has(JSON.stringify(path))
  }

  /** Whether there are as many as will be shown: further ones need no costly advice. */
  get full(): boolean {
    return this.#found.length >= MOST
  }

  /** @throws PolicyError with all problems in document order, when there is one */
  throwIfAny(): void {
    const sorted = this.#found.sort((a, b) => a.order - b.order).map(({ problem }) => problem)
    const [first, ...rest] = sorted
    if (first === undefined) return
    const left = sorted.length - MOST
    if (left > 0) {
      const more = { ...first, code: 'policy.more', path: '', line: null, column: null, advice: '' }
      rest.splice(MOST - 1, rest.length, { ...more, what: `${left} more problems are not shown.` })
    }
    throw new PolicyError([first, ...rest])
  }

  #push(code: string, path: Path, place: Place, what: string, advice: string): void {
    for (let length = path.length; length >= 0; length--)
      this.#paths.add(JSON.stringify(path.slice(0, length)))
    const problem = problemAt(place, code, path, what, advice)
    this.#found.push({ problem, order: place.order })
  }
}

export function problemAt(
  place: Omit<Place, 'base' | 'order'>,
  code: string,
  path: Path,
  what: string,
  advice = '',
): PolicyProblem {
  const { line, column } = place
  return { code, path: formatPath(path), source: printable(place.source, 400), line, column, what, advice }
}
