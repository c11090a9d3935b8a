/** One sandbox in the gateway's process, from its first end to its last attempt. */
import type { NetworkPlan } from '../../plan/index.js'
import type { CredentialIssue, EndKind, FromGateway, IssuedValue, Resolution } from '../messages.js'
import { type Keeper, keep } from './credentials/later.js'
import { type Inspection, lookInto } from './inspect/later.js'
import { takeConnections } from './listen.js'
import { answerNames } from './names-udp.js'
import { namesOf } from './resolve.js'
import { SandboxNetwork, type Surroundings } from './sandbox-network.js'
import { Telling } from './telling.js'

export class Attached {
  readonly #network: SandboxNetwork
  readonly #telling: Telling
  readonly #id: number
  readonly #tell: (news: FromGateway) => void
  readonly #keeper: Promise<Keeper | null>
  #missing: number

  constructor(
    id: number,
    plan: NetworkPlan,
    ends: number,
    resolution: Resolution,
    surroundings: Surroundings,
    tell: (news: FromGateway) => void,
    inspection: Inspection | null = null,
    credentials: readonly CredentialIssue[] = [],
  ) {
    this.#id = id
    this.#missing = ends
    this.#tell = tell
    this.#telling = new Telling((attempts, omitted) => {
      tell({ kind: 'attempts', id, attempts, omitted })
      void this.#tellLeases()
    }, surroundings.now)
    this.#network = new SandboxNetwork(plan, namesOf(resolution), surroundings, this.#telling)
    if (inspection !== null) lookInto(this.#network, inspection)
    this.#keeper =
      credentials.length === 0
        ? Promise.resolve(null)
        : keep(this.#network, credentials, () => void this.#tellLeases())
    if (ends === 0) void this.#keeper.then(() => tell({ kind: 'attached', id }))
  }

  /** `handle`: as the channel delivers it; without one the sandbox is refused */
  async take(end: EndKind, handle: object | undefined): Promise<void> {
    try {
      // nothing is accepted before it is known what it may not hold
      await this.#keeper
      if (this.#network.ended) return void (handle as { close?(): void } | undefined)?.close?.()
      if (handle === undefined) throw new Error(`the end ${end} came without its socket`)
      await (end === 'names' ? answerNames : takeConnections)(this.#network, handle)
    } catch (error) {
      return this.#tell({
        kind: 'refused',
        id: this.#id,
        why: error instanceof Error ? error.message : `${error}`,
      })
    }
    this.#missing -= 1
    if (this.#missing === 0) this.#tell({ kind: 'attached', id: this.#id })
  }

  /** Resolves when it is refused, on open connections too. */
  async revoke(name: string): Promise<void> {
    const keeper = await this.#keeper
    keeper?.revoke(name)
  }

  async renew(name: string, value: IssuedValue, livesMs: number | null): Promise<void> {
    const keeper = await this.#keeper
    keeper?.renew(name, value, livesMs)
  }

  /** Without what may be in nothing that is written. */
  redacted(text: string): string {
    return this.#network.redaction.text(text)
  }

  async #tellLeases(): Promise<void> {
    const keeper = await this.#keeper
    if (keeper !== null) this.#tell({ kind: 'leases', id: this.#id, leases: keeper.news })
  }

  /** Closes everything, waits until each connection has said what it was, and tells it. */
  async end(): Promise<void> {
    await this.#network.drained()
    this.#network.end()
    const keeper = await this.#keeper
    keeper?.end()
    await this.#network.concluded()
    this.#telling.flush()
    await this.#tellLeases()
    this.#tell({ kind: 'detached', id: this.#id })
  }
}
