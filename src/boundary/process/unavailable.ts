import type { HostFacts } from '../../host/index.js'
import { bubblewrapAdvice } from '../answers/advice.js'
import { hostLack } from '../answers/host-lack.js'
import type { Lack } from '../runtime-lacks.js'

export function unavailable(host: HostFacts): Lack | null {
  const lack = hostLack(host, 'process')
  if (lack !== null || host.bubblewrap !== null) return lack
  return { what: 'bubblewrap is not installed.', get: bubblewrapAdvice(host.surroundings()) }
}
