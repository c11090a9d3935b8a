import type { LimitsPlan, Requirement } from '../plan/index.js'
import type { Limits, Policy } from '../policy/index.js'
import { formatSize } from '../units/index.js'

export function limitRequirements(policy: Policy): Requirement[] {
  const limits = policy.limits
  const staying = (id: Requirement['id'], sentence: string): Requirement => ({
    id,
    sentence,
    family: 'staying',
    applies: true,
  })
  return [
    staying(
      'limits.memory',
      `All processes of the job together never hold more than ${formatSize(limits.memoryBytes)}.`,
    ),
    staying(
      'limits.cpus',
      `All processes of the job together never use more than ${limits.cpus} ${limits.cpus === 1 ? 'processor' : 'processors'}.`,
    ),
    staying(
      'limits.processes',
      `The job never has more than ${limits.processes} processes and threads at once.`,
    ),
    staying('limits.open-files', `No process of the job has more than ${limits.openFiles} descriptors.`),
    staying(
      'limits.output',
      `No more than ${formatSize(limits.outputBytes)} of standard output and error leave the sandbox.`,
    ),
    staying('limits.no-core-dumps', 'A crash leaves no core file, and no handler on the host is given one.'),
  ]
}

/** The limits to set; a waived one is `null`, so that nothing can mistake it for a number. */
export function limitsPlan(limits: Limits, waive: readonly string[]): LimitsPlan {
  return {
    memoryBytes: waive.includes('limits.memory') ? null : limits.memoryBytes,
    perProcessMemoryBytes: waive.includes('limits.memory') ? limits.memoryBytes : null,
    cpus: waive.includes('limits.cpus') ? null : limits.cpus,
    processes: waive.includes('limits.processes') ? null : limits.processes,
    openFiles: limits.openFiles,
    outputBytes: limits.outputBytes,
  }
}
