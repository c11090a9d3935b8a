/** Which limits a job ran into, from how it ended. Pure. */
import type { SandboxEnd } from '../../boundary/index.js'
import type { Plan } from '../../plan/index.js'
import type { Reason } from '../../report/index.js'
import type { LimitEvent, LimitKey } from './event.js'

type Reached = Pick<LimitEvent, 'limit' | 'effect'>

const BY_REASON: Partial<Record<Reason, LimitKey>> = {
  deadline: 'lifetime.deadline',
  noOutput: 'lifetime.noOutput',
  memory: 'limits.memory',
  output: 'limits.output',
}

export function limitsReached(
  { processes }: Pick<Plan['limits'], 'processes'>,
  { reason, signal }: { readonly reason: Reason; readonly signal: string | null },
  { outOfMemory, forkRefusals }: Pick<SandboxEnd, 'outOfMemory' | 'forkRefusals'>,
): Reached[] {
  const ended = signal === 'SIGXFSZ' ? 'limits.scratch' : BY_REASON[reason]
  const hindered: LimitKey[] = []
  if (outOfMemory && reason !== 'memory') hindered.push('limits.memory')
  if (processes !== null && (forkRefusals ?? 0) > 0) hindered.push('limits.processes')
  return [
    ...(ended === undefined ? [] : [{ limit: ended, effect: 'ended' } as const]),
    ...hindered.map((limit) => ({ limit, effect: 'hindered' }) as const),
  ]
}
