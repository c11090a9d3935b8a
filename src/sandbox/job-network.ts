/** A sandbox's network: the gateway that it is given to, and what it has to trust. Made for one sandbox, and given back with it. */
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
import type { Gateways } from './gateways.js'

/** What a run has of a network. */
export type RunNetwork = Pick<JobNetwork, 'attach' | 'release'>

export class JobNetwork {
  /** told apart, those who use different gateways */
  readonly whose: string | null
  readonly #gateways: Gateways
  readonly #gateway: Gateway
  readonly #plan: NetworkPlan
  #files: Promise<OwnFiles> | null = null
  #roots: string | null = null
  #reservation: Reservation | null = null

  /** The gateway is started here, if it is the first that is needed: it comes up beside the sandbox. */
  constructor(gateways: Gateways, tenant: string | null, plan: NetworkPlan) {
    this.whose = gateways.keyOf(tenant)
    this.#gateways = gateways
    this.#gateway = gateways.of(tenant)
    this.#plan = plan
  }

  /** Of another sandbox of the same plan and gateway, or of the one that follows it. */
  another(): JobNetwork {
    return new JobNetwork(this.#gateways, this.whose, this.#plan)
  }

  /**
   * What has to be in the sandbox from its first moment, made when it is first asked for; `null`: nothing. Rejects with LaunchError when
   * the gateway is not there.
   */
  files(): Promise<OwnFiles> | null {
    if (this.isTrusted) this.#files ??= this.#reserve()
    return this.#files
  }

  /** Its sandbox has something of it from its first moment, and can be given no other. */
  get isTrusted(): boolean {
    return inspects(this.#plan)
  }

  /** What was made is what would be made now, by a gateway that is still there. */
  get isCurrent(): boolean {
    return !this.#gateway.ended && (this.#roots === null || this.#roots === hostRoots())
  }

  async #reserve(): Promise<OwnFiles> {
    this.#roots = hostRoots()
    this.#reservation = await this.#gateway.reserve(this.#plan)
    return trustFiles(this.#reservation.certificate, this.#roots)
  }

  /** `keeps`: the ends are not closed here, since another job of the same sandbox will have them */
  attach(
    ends: readonly NetworkEnd[],
    credentials: readonly CredentialIssue[],
    keeps = false,
  ): Promise<Attachment> {
    if (this.#reservation !== null) return this.#reservation.attach(ends, credentials, keeps)
    // a value goes into requests that are read, or nowhere
    if (credentials.length > 0) throw new TypeError('credentials of a network that inspects nothing')
    return this.#gateway.attach(this.#plan, ends, keeps)
  }

  /** Gives back what was made, or is being made, for a sandbox that never came, or that no job took. */
  async release(): Promise<void> {
    await this.#files?.catch(() => {})
    this.#reservation?.release()
  }
}
