import type { HostFacts } from '../../host/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import { countsProcessesByNamespace } from '../answers/limits.js'

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
/** … as two where a thread of it carries. */
const CARRIED_PROCESSES = 2

const both = (resource: number, value: number) => [resource, value, value] as const

const LINUX_ALONE = [
  both(RLIMIT.SIGPENDING, 1024),
  both(RLIMIT.MSGQUEUE, 0),
  both(RLIMIT.NICE, 0),
  both(RLIMIT.RTPRIO, 0),
]

/** Set just before the command's own program starts; hard limits, so nothing inside can raise them. */
export function rlimits(
  plan: Plan,
  host: HostFacts,
  ownKernel = false,
  inForce = InForce.all,
): (readonly [number, number, number])[] {
  const { processes, openFiles, perProcessMemoryBytes } = plan.limits
  const limits = [
    ...(inForce.on('limit-open-files') ? [both(RLIMIT.NOFILE, openFiles)] : []),
    ...(inForce.on('limit-file-size') ? [both(RLIMIT.FSIZE, plan.files.scratch.bytes)] : []),
    both(RLIMIT.MEMLOCK, 8 * MiB),
    // the sentry has none of these to set, and no real-time scheduling
    ...(ownKernel ? [] : LINUX_ALONE),
    [RLIMIT.STACK, 8 * MiB, 64 * MiB] as const,
  ]
  if (perProcessMemoryBytes !== null) limits.push(both(RLIMIT.DATA, perProcessMemoryBytes))
  if (!inForce.on('limit-processes')) return limits
  // that kernel's own count: the cgroup's is of threads of this one
  if (processes !== null && ownKernel) limits.push(both(RLIMIT.NPROC, processes + CARRIED_PROCESSES))
  else if (processes !== null && (host.canTakeUids || countsProcessesByNamespace(host.kernel)))
    limits.push(
      both(RLIMIT.NPROC, processes + OWN_PROCESSES + (host.cgroups.controllers.includes('pids') ? 1 : 0)),
    )
  return limits
}
