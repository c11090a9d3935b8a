import type { Plan } from '../../plan/index.js'
import { formatDuration, formatSize } from '../../units/index.js'
import { type Gain, numberGains } from './difference.js'

/** What a job gets more of: time, memory, room. */
export function amountGains(old: Plan, now: Plan): Gain[] {
  const [reuse, use] = [old.lifetime.reuse, now.lifetime.reuse]
  const [limits, limit] = [old.limits, now.limits]
  const [scratch, room] = [old.files.scratch, now.files.scratch]
  // only where memory is waived in both is this what holds a job
  const perProcess = limits.perProcessMemoryBytes !== null && limit.perProcessMemoryBytes !== null
  return numberGains('amount', [
    ['lifetime.deadline', old.lifetime.deadlineMs, now.lifetime.deadlineMs, formatDuration],
    ['lifetime.noOutput', old.lifetime.noOutputMs, now.lifetime.noOutputMs, formatDuration],
    // a fresh sandbox for each job is one run, at no age
    ['lifetime.reuse.runs', reuse?.runs ?? 1, use?.runs ?? 1, String],
    ['lifetime.reuse.age', reuse?.ageMs ?? 0, use?.ageMs ?? 0, formatDuration],
    ['lifetime.reuse.scratch', kept(reuse), kept(use), (value) => (value === 0 ? 'clean' : 'keep')],
    ['limits.memory', limits.memoryBytes, limit.memoryBytes, formatSize],
    [
      'limits.memory of a process',
      perProcess ? limits.perProcessMemoryBytes : 0,
      perProcess ? limit.perProcessMemoryBytes : 0,
      formatSize,
    ],
    ['limits.cpus', limits.cpus, limit.cpus, String],
    ['limits.processes', limits.processes, limit.processes, String],
    ['limits.openFiles', limits.openFiles, limit.openFiles, String],
    ['limits.output', limits.outputBytes, limit.outputBytes, formatSize],
    ['limits.scratch', scratch.bytes, room.bytes, formatSize],
    ['limits.scratch, files', scratch.inodes, room.inodes, String],
  ])
}

const kept = (reuse: Plan['lifetime']['reuse']): number => (reuse?.scratch === 'keep' ? 1 : 0)
