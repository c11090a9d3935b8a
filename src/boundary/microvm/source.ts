import type { HostFacts } from '../../host/index.js'
import type { InForce, Plan } from '../../plan/index.js'
import type { OwnFiles, RunningSandbox, SandboxSource } from '../boundary.js'
import { machinesPlace } from './place.js'
import type { Room } from './room.js'
import { MachineStore } from './snapshots/store.js'

/** Virtual machines, each gone on with where one was saved, in a sandbox of `jails`. */
export class MachineSource implements SandboxSource {
  readonly #host: HostFacts
  readonly #jails: SandboxSource
  readonly #launching = new Set<Promise<unknown>>()
  #room: Room | null = null

  /** as `Boundary.open`; `jails`: of the process boundary */
  constructor(host: HostFacts, jails: SandboxSource, inForce: InForce) {
    if (inForce.leftOff !== null) throw new RangeError('the boundary microvm leaves nothing off')
    this.#host = host
    this.#jails = jails
  }

  async prepare(plan: Plan): Promise<void> {
    const { prepareMachine } = await import('./machine-launch.js')
    await this.#while(prepareMachine(this.#enter(), plan))
  }

  async launch(plan: Plan, files: OwnFiles = {}): Promise<RunningSandbox> {
    // what a machine is made with is loaded by who asks: not by every start
    const { launchMachine } = await import('./machine-launch.js')
    return await this.#while(launchMachine(this.#enter(), plan, files))
  }

  /** It is waited for when this is closed. */
  async #while<T>(launching: Promise<T>): Promise<T> {
    this.#launching.add(launching)
    try {
      return await launching
    } finally {
      this.#launching.delete(launching)
    }
  }

  async close(): Promise<void> {
    await this.#jails.close()
    await Promise.allSettled(this.#launching)
  }

  #enter(): Room {
    this.#room ??= {
      host: this.#host,
      jails: this.#jails,
      store: new MachineStore(machinesPlace(this.#host.uid, process.env)),
      machines: new Map(),
    }
    return this.#room
  }
}
