/** The credentials of one sandbox in the gateway's process: their values, their leases, and what is under way with them. */
import { attach, ended, HeldCredentials, type LeaseEnd } from '../../../credentials/index.js'
import { canonicalPath, pathMatches } from '../../../network/index.js'
import { held } from '../../../plan/index.js'
import type { CredentialIssue, IssuedValue, LeaseNews } from '../../messages.js'
import type { Incoming } from '../incoming.js'
import type { SandboxNetwork } from '../sandbox-network.js'
import { type Asked, Carried } from './carried.js'
import { type Refusal, refusalOf } from './carrier.js'
import { Holding } from './holding.js'
import { issueOf, materialOf } from './material.js'
import { redactionOf } from './redaction.js'

/** Timers of Node take no more, ms; they are set again. */
const LONGEST_TIMER = 2 ** 31 - 1

export class Keeper {
  readonly #network: SandboxNetwork
  readonly #held: HeldCredentials
  readonly #onEnd: () => void
  readonly #underWay = new Set<Carried>()
  readonly #holding = new Holding()
  #timer: NodeJS.Timeout | null = null

  /** @param issuedAt monotonic, ms */
  constructor(
    network: SandboxNetwork,
    issues: readonly CredentialIssue[],
    issuedAt: number,
    onEnd: () => void,
  ) {
    this.#network = network
    this.#onEnd = onEnd
    this.#held = new HeldCredentials(
      issues.map((issue) => issueOf(issue, issuedAt)),
      issuedAt,
    )
    this.#held.onEnd = (name, by) => this.#ended(name, by)
    network.redaction = redactionOf(this.#held)
    this.#wait()
  }

  carry({ network, target, port, secure }: Incoming, asked: Asked): Carried | Refusal {
    const [path = ''] = asked.path.split('?', 1)
    const request = {
      method: asked.method,
      host: target.kind === 'name' ? target.name : target.address,
      port,
      secure: secure !== undefined,
      target: asked.path,
      headers: asked.headers,
      pathFits: (patterns: readonly string[], other = path) => {
        const canonical = canonicalPath(other)
        return canonical !== null && patterns.some((pattern) => pathMatches(pattern, canonical))
      },
    }
    const attached = attach(this.#held, request, { monotonic: network.now(), date: Date.now() })
    if (attached.kind === 'denied') return refusalOf(attached)
    const carried = new Carried({ held: this.#held, request, attached, asked, holding: this.#holding })
    const refusal = carried.begin()
    if (refusal !== null) return refusal
    if (attached.names.length > 0) {
      this.#underWay.add(carried)
      carried.onDone = () => this.#underWay.delete(carried)
    }
    return carried
  }

  revoke(name: string): void {
    if (held('credential-revocation')) this.#held.revoke(name, this.#network.now())
    // also of one that had ended, or never was: whoever asked waits for an answer
    this.#onEnd()
  }

  renew(name: string, value: IssuedValue, livesMs: number | null): void {
    const expiresAt = livesMs === null ? null : this.#network.now() + livesMs
    this.#held.renew(name, materialOf(name, value), expiresAt)
    this.#network.redaction = redactionOf(this.#held)
    this.#wait()
  }

  /** The sandbox has ended, and with it every lease and every connection. */
  end(): void {
    this.#held.onEnd = () => {}
    this.#held.endAll('sandbox', this.#network.now())
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  get news(): readonly LeaseNews[] {
    return this.#held.all.map(({ lease }) => {
      const { name, uses, refused, ended } = lease.state
      return { name, uses, refused, ended }
    })
  }

  #ended(name: string, by: LeaseEnd): void {
    this.#onEnd()
    // the last use was granted, and is let come to its end
    if (by === 'uses' || !held('credential-streams')) return
    const refusal = refusalOf(ended(name, by))
    for (const carried of [...this.#underWay]) if (carried.names.includes(name)) carried.close(refusal)
  }

  /** Open connections close when time ends a lease, although nobody asks for it then. */
  #wait(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    const next = this.#held.nextEnd()
    const left = next === null ? null : Math.max(0, Math.min(LONGEST_TIMER, next - this.#network.now()))
    this.#timer = left === null ? null : setTimeout(() => this.#look(), Math.ceil(left))
  }

  #look(): void {
    this.#held.states(this.#network.now())
    this.#wait()
  }
}
