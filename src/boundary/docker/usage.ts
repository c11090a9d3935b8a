/** What a container has used, from its cgroup: to be read while its first process lives, with which the cgroup goes. */
import { readFileSync } from 'node:fs'

export interface Used {
  readonly cpuMs: number
  readonly peakMemoryBytes: number
  readonly oomKills: number
  readonly forkRefusals: number | null
}

export const NOTHING_KNOWN: Used = { cpuMs: 0, peakMemoryBytes: 0, oomKills: 0, forkRefusals: null }

const MOUNTED = '/sys/fs/cgroup'

/** `pid`: of the first process, as the host numbers it. Everybody may read it. */
export function usedBy(pid: number): Used {
  const groups = groupsOf(text(`/proc/${pid}/cgroup`))
  const unified = groups.get('')
  const [memory, cpuacct, pids] = ['memory', 'cpuacct', 'pids'].map((each) => groups.get(each))
  if (memory === undefined && unified !== undefined) {
    const at = `${MOUNTED}${unified}`
    return {
      cpuMs: numberIn(text(`${at}/cpu.stat`), 'usage_usec') / 1e3,
      peakMemoryBytes: Number(text(`${at}/memory.peak`)) || Number(text(`${at}/memory.current`)),
      oomKills: numberIn(text(`${at}/memory.events`), 'oom_kill'),
      forkRefusals: refusals(`${at}/pids.events`),
    }
  }
  return {
    cpuMs: Number(text(`${MOUNTED}/cpuacct${cpuacct}/cpuacct.usage`)) / 1e6,
    peakMemoryBytes: Number(text(`${MOUNTED}/memory${memory}/memory.max_usage_in_bytes`)),
    oomKills: numberIn(text(`${MOUNTED}/memory${memory}/memory.oom_control`), 'oom_kill'),
    forkRefusals: refusals(`${MOUNTED}/pids${pids}/pids.events`),
  }
}

/** cgroups(7), /proc/[pid]/cgroup: `id:controllers:path`; of version 2 there is no controller */
function groupsOf(lines: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const line of lines.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    for (const each of controllers?.split(',') ?? []) found.set(each, path ?? '')
  }
  return found
}

function refusals(file: string): number | null {
  const events = text(file)
  return events === '' ? null : numberIn(events, 'max')
}

function numberIn(lines: string, key: string): number {
  return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(lines)?.[1] ?? 0)
}

function text(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return '' // it has ended
  }
}
