/** What holds a job to its numbers: by cgroups where the host has them for it, else by what every process has. */
import type { HostFacts } from '../../host/index.js'
import { type Answer, enforcedBy, impossible, type RequirementId } from '../../plan/index.js'
import type { Question } from '../boundary.js'
import { cgroupAdvice } from './advice.js'
import { by } from './mechanisms.js'

type Limit = Extract<RequirementId, `limits.${string}`>

export const limitsAnswers: { readonly [Id in Limit]: (question: Question) => Answer } = {
  'limits.memory': ({ host }) =>
    host.cgroups.controllers.includes('memory')
      ? enforcedBy(
          by(
            host.cgroups.version === 2
              ? 'cgroup memory.max, memory.swap.max, memory.oom.group'
              : 'cgroup v1 memory.limit_in_bytes',
            'cgroup-memory',
          ),
        )
      : needsCgroup(host, 'limits.memory', ' (each process is then held to that size)'),
  'limits.cpus': ({ host, cpus }) => {
    if (host.cgroups.controllers.includes('cpu'))
      return enforcedBy(
        by(host.cgroups.version === 2 ? 'cgroup cpu.max' : 'cgroup v1 cpu.cfs_quota_us', 'cgroup-cpu'),
      )
    if (cpus >= host.cpus) return enforcedBy(by(`the host has no more than ${host.cpus}`, 'host-processors'))
    return Number.isInteger(cpus)
      ? enforcedBy(
          by('processor affinity, and seccomp refuses to change it', 'pinned-processors', 'filter-affinity'),
        )
      : impossible(
          host.cgroups.missing,
          `Write a whole number of cpus, which needs no cgroup. ${cgroupAdvice(host)}; or leave the control off knowingly with \`--waive limits.cpus\`.`,
        )
  },
  'limits.processes': ({ host }) => {
    if (host.cgroups.controllers.includes('pids'))
      return enforcedBy(by('cgroup pids.max', 'cgroup-pids'), by('RLIMIT_NPROC', 'limit-processes'))
    return countsProcessesByNamespace(host.kernel)
      ? enforcedBy(by('RLIMIT_NPROC, which Linux 5.14 counts by user namespace', 'limit-processes'))
      : needsCgroup(host, 'limits.processes', '')
  },
  'limits.open-files': () => enforcedBy(by('RLIMIT_NOFILE', 'limit-open-files')),
  'limits.output': () => enforcedBy(by('Glovebox counts what it reads and ends the sandbox', 'output-count')),
  'limits.no-core-dumps': () =>
    enforcedBy(
      by('RLIMIT_CORE 1, with which the kernel starts no handler either', 'no-core-dumps'),
      by('seccomp refuses to change it', 'filter-core-limit'),
    ),
}

/** Without a cgroup for it: how one is had, or what the policy says to do without. */
function needsCgroup(host: HostFacts, control: string, instead: string): Answer {
  return impossible(
    host.cgroups.missing,
    `${cgroupAdvice(host)}; or leave the control off knowingly with \`--waive ${control}\`${instead}.`,
  )
}

/** Before Linux 5.14 RLIMIT_NPROC counted all processes of a host uid (commit 21d1c5e386bc). */
export function countsProcessesByNamespace(kernel: readonly [number, number]): boolean {
  return kernel[0] > 5 || (kernel[0] === 5 && kernel[1] >= 14)
}
