export type { CgroupBase, CgroupFacts } from './cgroups.js'
export { cgroupFacts } from './cgroups.js'
export { dataPlace } from './data-place.js'
export type { Engine, EngineComponent, EngineFacts, EngineRuntime } from './engine/facts.js'
export * from './escapes/index.js'
export type { HostFacts } from './facts.js'
export { hostFacts, OWN_UID_BASE, SECOND_UID_ABOVE } from './facts.js'
export { type DeviceState, KVM_DEVICE, type KvmFacts, type KvmFailure, NO_KVM, printable } from './kvm.js'
export { writeKvmNote } from './kvm-note.js'
export { type Locking, locked } from './lock.js'
export { lookAtHost, withEngine } from './look.js'
export type { HostLook } from './looking.js'
export type { KernelFacts, Machines, ProgramFacts } from './machines.js'
export { type MachineLook, machines } from './machines.js'
export { isGone, ownMark, pidOf } from './owner-mark.js'
export { type PackageFacts, packageOf } from './packages.js'
export {
  type IdRange,
  type RuntimeFacts,
  type RuntimeLook,
  type RuntimeName,
  type Runtimes,
  runtimes,
  type SubordinateIds,
} from './runtimes.js'
export type { SecurityModule } from './security-module.js'
export type { Place, Surroundings } from './surroundings.js'
export { surroundings } from './surroundings.js'
export { compareDebian, compareUpstream, upstreamVersion } from './version.js'
