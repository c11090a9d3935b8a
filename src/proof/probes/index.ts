/** All probes, and why some claims have none. */
import type { RequirementId } from '../../plan/index.js'
import { networkProbes } from './network/index.js'
import type { Probe } from './probe.js'
import { processProbes } from './processes.js'

export type {
  Attempt,
  Bench,
  Decoys,
  Given,
  Inside,
  Look,
  Open,
  Probe,
  Seen,
  Trial,
  Tried,
  World,
  Zone,
} from './probe.js'
export { THREATS, type ThreatId, UNTRIED } from './threats.js'

export const PROBES: readonly Probe[] = [...processProbes, ...networkProbes]

/** Claims that nothing inside can try, and why not. */
export const UNPROBED: Readonly<Partial<Record<RequirementId, string>>> = {}
