/** Which mechanisms keep a plan: all of them. Only the tests that show which probe notices leave some off. */

/** What is left off, and programs that can: those that ship have no way to. */
export interface LeftOff {
  /** ids */
  readonly mechanisms: ReadonlySet<string>
  /** absolute path of a folder with `native/` and `gateway/`, built for this (`npm run build -- mutable`) */
  readonly builds: string
}

export class InForce {
  /** as in every run */
  static readonly all = new InForce(null)
  readonly #leftOff: LeftOff | null

  constructor(leftOff: LeftOff | null) {
    this.#leftOff = leftOff
  }

  on(mechanism: string): boolean {
    return this.#leftOff === null || !this.#leftOff.mechanisms.has(mechanism)
  }

  /** what the programs that can leave something off are told; `null`: those that ship are started, which are told nothing */
  get leftOff(): { readonly ids: string; readonly builds: string } | null {
    if (this.#leftOff === null) return null
    const { mechanisms, builds } = this.#leftOff
    return { ids: [...mechanisms].sort().join(','), builds }
  }
}
