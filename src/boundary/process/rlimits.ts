import type { HostFacts } from '../../host/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import { countsProcessesByNamespace } from './limits-answers.js'

/** getrlimit(2); the same numbers on x86_64 and arm64. */
const RLIMIT = {
  DATA: 2,
  STACK: 3,
  NPROC: 6,
  NOFILE: 7,
  MEMLOCK: 8,
  SIGPENDING: 11,
  MSGQUEUE: 12,
  NICE: 13,
  RTPRIO: 14,
  FSIZE: 1,
} as const

const MiB = 1024 ** 2
/** The agent counts as one. One more where a cgroup counts as well: that one is to be met first, because it tells. */
const OWN_PROCESSES = 1

/** Set just before the command's own program starts; hard limits, so nothing inside can raise them. */
export function rlimits(
  plan: Plan,
  host: HostFacts,
  inForce = InForce.all,
): (readonly [number, number, number])[] {
  const { processes, openFiles, perProcessMemoryBytes } = plan.limits
  const both = (resource: number, value: number) => [resource, value, value] as const
  const limits = [
    ...(inForce.on('limit-open-files') ? [both(RLIMIT.NOFILE, openFiles)] : []),
    ...(inForce.on('limit-file-size') ? [both(RLIMIT.FSIZE, plan.files.scratch.bytes)] : []),
    both(RLIMIT.MEMLOCK, 8 * MiB),
    both(RLIMIT.SIGPENDING, 1024),
    both(RLIMIT.MSGQUEUE, 0),
    both(RLIMIT.NICE, 0),
    both(RLIMIT.RTPRIO, 0),
    [RLIMIT.STACK, 8 * MiB, 64 * MiB] as const,
  ]
  if (perProcessMemoryBytes !== null) limits.push(both(RLIMIT.DATA, perProcessMemoryBytes))
  if (!inForce.on('limit-processes')) return limits
  if (processes !== null && (host.canTakeUids || countsProcessesByNamespace(host.kernel)))
    limits.push(
      both(RLIMIT.NPROC, processes + OWN_PROCESSES + (host.cgroups.controllers.includes('pids') ? 1 : 0)),
    )
  return limits
}
