/** A job's network: the gateway that it is given to, and what it has to trust. */
import type { NetworkEnd, OwnFiles } from '../boundary/index.js'
import { type Attachment, type Gateway, hostRoots, type Reservation } from '../gateway/index.js'
import { inspects, trustFiles } from '../network/index.js'
import type { NetworkPlan } from '../plan/index.js'

export class JobNetwork {
  readonly #gateway: Gateway
  readonly #plan: NetworkPlan
  #reservation: Reservation | null = null

  constructor(gateway: Gateway, plan: NetworkPlan) {
    this.#gateway = gateway
    this.#plan = plan
  }

  /** What has to be in the sandbox from its first moment; `null`: nothing. Rejects with LaunchError when the gateway is not there. */
  files(): Promise<OwnFiles> | null {
    return inspects(this.#plan) ? this.#reserve() : null
  }

  async #reserve(): Promise<OwnFiles> {
    this.#reservation = await this.#gateway.reserve(this.#plan)
    return trustFiles(this.#reservation.certificate, hostRoots())
  }

  attach(ends: readonly NetworkEnd[]): Promise<Attachment> {
    return this.#reservation?.attach(ends) ?? this.#gateway.attach(this.#plan, ends)
  }

  /** Gives back what was made for a sandbox that never came. */
  release(): void {
    this.#reservation?.release()
  }
}
