import type { HostFacts } from '../../host/index.js'
import { bubblewrapAdvice } from '../answers/advice.js'
import { hostLack } from '../answers/host-lack.js'
import { machineLack } from '../machine-lacks.js'
import type { Lack } from '../runtime-lacks.js'

/** What a machine needs, and what its jail does. */
export function unavailable(host: HostFacts): Lack | null {
  const lack = hostLack(host, 'microvm') ?? machineLack(host)
  if (lack !== null || host.bubblewrap !== null) return lack
  return { what: 'bubblewrap is not installed.', get: bubblewrapAdvice(host.surroundings()) }
}
