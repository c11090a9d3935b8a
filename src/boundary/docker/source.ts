import type { HostFacts } from '../../host/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import { requireLeavable } from '../answers/mechanisms.js'
import type { OwnFiles, RunningSandbox, SandboxSource } from '../boundary.js'
import type { RuntimeName } from './create-body.js'
import { Keeper } from './keeper.js'
import { keptBy } from './kept.js'
import type { Room } from './prepare.js'

/** Sandboxes that an engine of this machine runs. */
export class DockerSource implements SandboxSource {
  readonly #runtime: RuntimeName
  readonly #host: HostFacts
  /** of what the engine is told, and of the job's own limits and filter; cell and the first process are those that ship */
  readonly #inForce: InForce
  readonly #keeper: Keeper | null
  readonly #launching = new Set<Promise<unknown>>()
  #room: Promise<Room> | null = null

  /** as `Boundary.open` */
  constructor(runtime: RuntimeName, host: HostFacts, single: boolean, inForce: InForce = InForce.all) {
    requireLeavable(inForce, keptBy(runtime))
    this.#runtime = runtime
    this.#host = host
    this.#inForce = inForce
    // nobody else may hold a process of another user's, or enter its network
    this.#keeper = host.uid === 0 ? new Keeper(host, single) : null
  }

  async launch(plan: Plan, files: OwnFiles = {}): Promise<RunningSandbox> {
    // its client and its checks are loaded by who asks: not by every start
    const { launchContainer } = await import('./docker-launch.js')
    const launching = this.#enter().then((room) => launchContainer(room, this.#keeper, plan, files))
    this.#launching.add(launching)
    try {
      return await launching
    } finally {
      this.#launching.delete(launching)
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#launching)
    const room = await this.#room?.catch(() => null)
    if (room) {
      const { leave } = await import('./docker-room.js')
      await leave(room)
    }
    await this.#keeper?.close()
  }

  /** Once; after a failure, such as an engine that is being restarted, again. */
  #enter(): Promise<Room> {
    const room =
      this.#room ??
      import('./docker-room.js')
        .then(({ enter }) => enter(this.#host, this.#runtime, this.#inForce))
        .catch((error) => {
          this.#room = null
          throw error
        })
    this.#room = room
    return room
  }
}
