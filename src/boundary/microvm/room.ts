import type { HostFacts } from '../../host/index.js'
import type { SandboxSource } from '../boundary.js'
import type { MachineStore, SavedMachine } from './snapshots/store.js'
import type { Accelerator } from './vmm/machine.js'

/** What the machines of one source have in common. */
export interface Room {
  readonly host: HostFacts
  /** in which machines are that are run so */
  readonly jails: (of: 'saving' | 'jobs', accelerator: Accelerator) => SandboxSource
  readonly store: MachineStore
  /** by shape, as far as this process has asked for them */
  readonly machines: Map<string, Promise<SavedMachine>>
  /** disks from which machines can't be rehearsed, see `rehearsal.ts` */
  readonly unrehearsed: Set<string>
  /** why no machine came up with KVM since this process looked, one sentence; empty: none was tried, or one did */
  kvmFailed: string
}
