/** All probes, and why some claims have none. */
import type { RequirementId } from '../../plan/index.js'
import type { Probe } from './probe.js'
import { processProbes } from './processes.js'

export type { Attempt, Bench, Decoys, Given, Inside, Look, Open, Probe, Trial, Tried } from './probe.js'
export { THREATS, type ThreatId, UNTRIED } from './threats.js'

export const PROBES: readonly Probe[] = [...processProbes]

/** Claims that nothing inside can try, and why not. */
export const UNPROBED: Readonly<Partial<Record<RequirementId, string>>> = {}
