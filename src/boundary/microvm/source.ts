import type { HostFacts } from '../../host/index.js'
import type { InForce, Plan } from '../../plan/index.js'
import type { OwnFiles, RunningSandbox, SandboxSource } from '../boundary.js'
import { expectedAccelerator } from './accelerator.js'
import { machinesPlace } from './place.js'
import type { Room } from './room.js'
import { MachineStore } from './snapshots/store.js'
import type { Accelerator } from './vmm/machine.js'

/** Virtual machines, each gone on with where one was saved, in a sandbox of `jails`. */
export class MachineSource implements SandboxSource {
  readonly #host: HostFacts
  readonly #open: (accelerator: Accelerator) => SandboxSource
  readonly #jails = new Map<string, SandboxSource>()
  readonly #launching = new Set<Promise<unknown>>()
  #room: Room | null = null

  /** as `Boundary.open`; `open`: sandboxes of the process boundary, for machines that are run so */
  constructor(host: HostFacts, open: (accelerator: Accelerator) => SandboxSource, inForce: InForce) {
    if (inForce.leftOff !== null) throw new RangeError('the boundary microvm leaves nothing off')
    this.#host = host
    this.#open = open
    this.#jailsOf('jobs', expectedAccelerator(host)) // comes up while the plan is made
  }

  async prepare(plan: Plan): Promise<void> {
    const { prepareMachine } = await import('./machine-launch.js')
    await this.#while(prepareMachine(this.#enter(), plan))
  }

  async launch(plan: Plan, files: OwnFiles = {}, waitsMs = 0): Promise<RunningSandbox> {
    // what a machine is made with is loaded by who asks: not by every start
    const { launchMachine } = await import('./machine-launch.js')
    return await this.#while(launchMachine(this.#enter(), { plan, files, waitsMs }))
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
    await Promise.all([...this.#jails.values()].map((jails) => jails.close()))
    await Promise.allSettled(this.#launching)
  }

  #enter(): Room {
    this.#room ??= {
      host: this.#host,
      jails: (of, accelerator) => this.#jailsOf(of, accelerator),
      store: new MachineStore(machinesPlace(this.#host.uid, process.env)),
      machines: new Map(),
      unrehearsed: new Set(),
      kvmFailed: '',
    }
    return this.#room
  }

  /** One of them may be for a single sandbox, and is gone with it: what saves a machine does not take it from the job. */
  #jailsOf(of: 'saving' | 'jobs', accelerator: Accelerator): SandboxSource {
    const name = `${of} ${accelerator}`
    const jails = this.#jails.get(name) ?? this.#open(accelerator)
    this.#jails.set(name, jails)
    return jails
  }
}
