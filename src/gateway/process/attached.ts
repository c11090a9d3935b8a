/** One sandbox in the gateway's process, from its first end to its last attempt. */
import type { NetworkPlan } from '../../plan/index.js'
import type { EndKind, FromGateway, Resolution } from '../messages.js'
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
  #missing: number

  constructor(
    id: number,
    plan: NetworkPlan,
    ends: number,
    resolution: Resolution,
    surroundings: Surroundings,
    tell: (news: FromGateway) => void,
    inspection: Inspection | null = null,
  ) {
    this.#id = id
    this.#missing = ends
    this.#tell = tell
    this.#telling = new Telling(
      (attempts, omitted) => tell({ kind: 'attempts', id, attempts, omitted }),
      surroundings.now,
    )
    this.#network = new SandboxNetwork(plan, namesOf(resolution), surroundings, this.#telling)
    if (inspection !== null) lookInto(this.#network, inspection)
    if (ends === 0) tell({ kind: 'attached', id })
  }

  /** `handle`: as the channel delivers it; without one the sandbox is refused */
  async take(end: EndKind, handle: object | undefined): Promise<void> {
    try {
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

  /** Closes everything, waits until each connection has said what it was, and tells it. */
  async end(): Promise<void> {
    this.#network.end()
    await this.#network.concluded()
    this.#telling.flush()
    this.#tell({ kind: 'detached', id: this.#id })
  }
}
