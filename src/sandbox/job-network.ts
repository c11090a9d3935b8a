/** A job's network: the gateway that it is given to, and what it has to trust. */
import type { NetworkEnd, OwnFiles } from '../boundary/index.js'
import {
  type Attachment,
  type CredentialIssue,
  type Gateway,
  hostRoots,
  type Reservation,
} from '../gateway/index.js'
import { inspects, trustFiles } from '../network/index.js'
import type { NetworkPlan } from '../plan/index.js'

export class JobNetwork {
  readonly #gateway: Gateway
  readonly #plan: NetworkPlan
  #files: Promise<OwnFiles> | null = null
  #reservation: Reservation | null = null

  constructor(gateway: Gateway, plan: NetworkPlan) {
    this.#gateway = gateway
    this.#plan = plan
  }

  /**
   * What has to be in the sandbox from its first moment, made when it is first asked for; `null`: nothing. Rejects with LaunchError when
   * the gateway is not there.
   */
  files(): Promise<OwnFiles> | null {
    if (inspects(this.#plan)) this.#files ??= this.#reserve()
    return this.#files
  }

  async #reserve(): Promise<OwnFiles> {
    this.#reservation = await this.#gateway.reserve(this.#plan)
    return trustFiles(this.#reservation.certificate, hostRoots())
  }

  attach(ends: readonly NetworkEnd[], credentials: readonly CredentialIssue[]): Promise<Attachment> {
    if (this.#reservation !== null) return this.#reservation.attach(ends, credentials)
    // a value goes into requests that are read, or nowhere
    if (credentials.length > 0) throw new TypeError('credentials of a network that inspects nothing')
    return this.#gateway.attach(this.#plan, ends)
  }

  /** Gives back what was made, or is being made, for a sandbox that never came. */
  async release(): Promise<void> {
    await this.#files?.catch(() => {})
    this.#reservation?.release()
  }
}
