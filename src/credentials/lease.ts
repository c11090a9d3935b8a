/** A credential's life in one sandbox. Pure: the time is told. */

export const LEASE_ENDS = ['ttl', 'uses', 'expired', 'revoked', 'sandbox', 'gateway'] as const
/** `expired`: what the source gave lives no longer. */
export type LeaseEnd = (typeof LEASE_ENDS)[number]

export interface LeaseTerms {
  readonly name: string
  /** monotonic, ms */
  readonly issuedAt: number
  /** ms; `null`: as long as the sandbox */
  readonly ttlMs: number | null
  /** `null`: any number */
  readonly uses: number | null
  /** monotonic, ms, at which the value itself expires; `null`: not known */
  readonly expiresAt: number | null
}

export interface LeaseState {
  readonly name: string
  readonly uses: number
  readonly refused: number
  readonly ended: LeaseEnd | null
  /** monotonic, ms; `null`: it lives */
  readonly endedAt: number | null
}

export type Asked = { readonly kind: 'granted' } | { readonly kind: 'ended'; readonly by: LeaseEnd }

/** Ends by the first of its ends, and stays ended. */
export class Lease {
  #terms: LeaseTerms
  readonly #onEnd: (lease: Lease) => void
  #uses = 0
  #refused = 0
  #ended: LeaseEnd | null = null
  #endedAt: number | null = null

  /** @param onEnd called once, in the very call that ends it: the value goes, connections that carry it close */
  constructor(terms: LeaseTerms, onEnd: (lease: Lease) => void = () => {}) {
    this.#terms = terms
    this.#onEnd = onEnd
  }

  get terms(): LeaseTerms {
    return this.#terms
  }

  /** There is another value, which expires at another time. Nothing else changes; what has ended stays ended. */
  renewed(expiresAt: number | null): void {
    this.#terms = { ...this.#terms, expiresAt }
  }

  /** Asks for one use. The last one is granted, and ends it for whoever asks next. */
  use(now: number): Asked {
    this.look(now)
    const { uses } = this.terms
    if (this.#ended === null && uses !== null && this.#uses >= uses) this.end('uses', now)
    if (this.#ended !== null) {
      this.#refused++
      return { kind: 'ended', by: this.#ended }
    }
    this.#uses++
    return { kind: 'granted' }
  }

  /** An attempt that was refused for what it was, not for the lease's end. */
  refuse(): void {
    this.#refused++
  }

  /** Notices that its time is over. */
  look(now: number): LeaseEnd | null {
    const { deadline } = this
    if (this.#ended === null && deadline !== null && now >= deadline.at) this.end(deadline.by, deadline.at)
    return this.#ended
  }

  /** When time alone ends it; `null`: never. For a timer: connections that are open are to close then. */
  get deadline(): { readonly at: number; readonly by: LeaseEnd } | null {
    const { issuedAt, ttlMs, expiresAt } = this.terms
    const ttl = ttlMs === null ? Number.POSITIVE_INFINITY : issuedAt + ttlMs
    const expiry = expiresAt ?? Number.POSITIVE_INFINITY
    if (ttl === Number.POSITIVE_INFINITY && expiry === Number.POSITIVE_INFINITY) return null
    return ttl <= expiry ? { at: ttl, by: 'ttl' } : { at: expiry, by: 'expired' }
  }

  end(by: LeaseEnd, now: number): void {
    if (this.#ended !== null) return
    this.#ended = by
    this.#endedAt = now
    this.#onEnd(this)
  }

  get state(): LeaseState {
    return {
      name: this.terms.name,
      uses: this.#uses,
      refused: this.#refused,
      ended: this.#ended,
      endedAt: this.#endedAt,
    }
  }
}
