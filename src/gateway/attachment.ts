/** A sandbox's network, as the supervisor sees it. */
import type { LeaseEnd } from '../credentials/index.js'
import { LaunchError, visible } from '../errors/index.js'
import { AttemptLog } from '../network/index.js'
import type { NetworkAttempt } from '../report/index.js'
import type { IssuedValue, LeaseNews } from './messages.js'

export interface Attempts {
  /** each kind once, in the order of the first */
  readonly attempts: readonly NetworkAttempt[]
  /** how many are in none of them */
  readonly omitted: number
}

/** A lease, as far as the gateway has told. */
export interface KnownLease {
  readonly name: string
  readonly uses: number
  readonly refused: number
  /** `null`: it lives */
  readonly ended: LeaseEnd | null
  /** when that was heard of */
  readonly endedAt: Date | null
}

/** Hears of a sandbox's network while it is in use. */
export interface NetworkListener {
  /** there are more, or some were tried again: all, in the order of the first */
  attempts(all: readonly NetworkAttempt[]): void
  leaseEnded(name: string, by: LeaseEnd): void
}

/** What is left to the supervisor of the sockets that it handed over. */
export interface Attachment {
  /** in the order in which the credentials were issued */
  readonly leases: readonly KnownLease[]
  /** called once for each lease that ends, whoever ended it; the sandbox's own end and the gateway's are such ends */
  onLeaseEnd: (name: string, by: LeaseEnd) => void
  /** `null`: nobody does */
  listener: NetworkListener | null
  /** Ends a lease now. Resolves when the gateway has ended it, or is gone. */
  revoke(name: string): Promise<void>
  /** Gives a credential another value, whose lease goes on. `livesMs`: from now, at which the value expires */
  renew(name: string, value: IssuedValue, livesMs: number | null): void
  /** Closes the sandbox's network, and gives all that was tried. May be called again. */
  end(): Promise<Attempts>
  /** resolves when the gateway is gone: the sandbox has no network any more, nothing is open; never, when it outlives the sandbox */
  readonly lost: Promise<void>
}

/** How the gateway is asked. */
export interface Asking {
  /** to end the sandbox's network; the promise resolves when it has */
  detach(ended: Promise<void>): void
  /** to end a lease; the promise resolves when it has */
  revoke(name: string, done: Promise<void>): void
  renew(name: string, value: IssuedValue, livesMs: number | null): void
}

/** The gateway's news of one sandbox, put together. */
export class AttachedSandbox implements Attachment {
  readonly lost: Promise<void>
  readonly #log = new AttemptLog()
  readonly #asking: Asking
  onLeaseEnd: (name: string, by: LeaseEnd) => void = () => {}
  listener: NetworkListener | null = null
  #leases: readonly KnownLease[]
  readonly #revoking = new Map<string, { readonly done: Promise<void>; readonly over: () => void }>()
  #omitted = 0
  #lose: () => void = () => {}
  #settle: { resolve(): void; reject(error: Error): void } | null = null
  #ended: () => void = () => {}
  readonly #end: Promise<void>
  #asked = false

  /** @param names of its credentials */
  constructor(names: readonly string[], asking: Asking) {
    this.#asking = asking
    this.#leases = names.map((name) => ({ name, uses: 0, refused: 0, ended: null, endedAt: null }))
    this.lost = new Promise((resolve) => {
      this.#lose = resolve
    })
    this.#end = new Promise((resolve) => {
      this.#ended = resolve
    })
  }

  /** Resolves when the gateway has taken every end. */
  taken(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  hearTaken(): void {
    this.#settle?.resolve()
  }

  hearRefused(why: string): void {
    this.#settle?.reject(
      new LaunchError(
        'gateway.refused',
        `The gateway could not take the sandbox's network: ${visible(why)}.`,
      ),
    )
  }

  /** What the gateway says was read from hostile bytes: the log bounds and counts it anew. */
  hearAttempts(attempts: readonly NetworkAttempt[], omitted: number): void {
    this.#omitted += omitted
    for (const { count, ...attempt } of attempts) this.#log.add(attempt, count)
    this.listener?.attempts(this.#log.attempts)
  }

  get leases(): readonly KnownLease[] {
    return this.#leases
  }

  /** Nothing that has ended lives again. @returns whether they are the ones that were issued */
  hearLeases(news: readonly LeaseNews[]): boolean {
    const known = this.#leases
    if (news.length !== known.length || news.some(({ name }, at) => name !== known[at]?.name)) return false
    this.#leases = known.map((lease, at) => ({ ...lease, ...news[at], ended: lease.ended }))
    for (const { name, ended } of news) if (ended !== null) this.#leaseEnded(name, ended)
    return true
  }

  hearEnded(): void {
    this.#allLeasesEnded('sandbox')
    this.#ended()
  }

  hearLost(error: LaunchError): void {
    this.#settle?.reject(error)
    this.#allLeasesEnded('gateway')
    this.#lose()
    this.#ended()
  }

  async revoke(name: string): Promise<void> {
    if (this.#leases.find((each) => each.name === name)?.ended !== null) return
    const known = this.#revoking.get(name)
    if (known !== undefined) return known.done
    let over = () => {}
    const done = new Promise<void>((resolve) => {
      over = resolve
    })
    this.#revoking.set(name, { done, over })
    this.#asking.revoke(name, done)
    await done
  }

  renew(name: string, value: IssuedValue, livesMs: number | null): void {
    this.#asking.renew(name, value, livesMs)
  }

  #allLeasesEnded(by: LeaseEnd): void {
    for (const { name } of this.#leases) this.#leaseEnded(name, by)
  }

  #leaseEnded(name: string, by: LeaseEnd): void {
    if (this.#leases.find((each) => each.name === name)?.ended !== null) return
    this.#leases = this.#leases.map((each) =>
      each.name === name ? { ...each, ended: by, endedAt: new Date() } : each,
    )
    this.#revoking.get(name)?.over()
    this.onLeaseEnd(name, by)
    this.listener?.leaseEnded(name, by)
  }

  async end(): Promise<Attempts> {
    if (!this.#asked) this.#asking.detach(this.#end)
    this.#asked = true
    await this.#end
    return { attempts: this.#log.attempts, omitted: this.#omitted + this.#log.omitted }
  }
}
