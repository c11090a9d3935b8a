/** All probes, and why some claims have none. */
import type { RequirementId } from '../../plan/index.js'
import { leftoverProbes } from './leftovers.js'
import { lifetimeProbes } from './lifetime.js'
import { memoryProbes } from './memory.js'
import { numberProbes } from './numbers.js'
import { forgedProbes, outputProbes } from './outputs.js'
import type { Probe } from './probe.js'
import { processProbes } from './processes.js'
import { scratchProbes } from './scratch.js'

export type {
  Attempt,
  Bench,
  Decoys,
  Given,
  HostProcess,
  HostView,
  Inside,
  InsideOptions,
  Look,
  Machine,
  Open,
  OpenProcess,
  Probe,
  Supervisor,
  TakenEntry,
  Trial,
  Tried,
} from './probe.js'
export { roomy } from './scaled.js'
export { THREATS, type ThreatId } from './threats.js'

export const PROBES: readonly Probe[] = [
  ...processProbes,
  ...scratchProbes,
  ...outputProbes,
  ...memoryProbes,
  ...numberProbes,
  ...lifetimeProbes,
  ...leftoverProbes,
  ...forgedProbes,
]

/** Claims that nothing inside can try, and why not. */
export const UNPROBED: Readonly<Partial<Record<RequirementId, string>>> = {}
