import type { HostFacts } from '../../host/index.js'
import type { SandboxSource } from '../boundary.js'
import type { MachineStore, SavedMachine } from './snapshots/store.js'

/** What the machines of one source have in common. */
export interface Room {
  readonly host: HostFacts
  readonly jails: SandboxSource
  readonly store: MachineStore
  /** by shape, as far as this process has asked for them */
  readonly machines: Map<string, Promise<SavedMachine>>
}
