/** What probes need to know of this machine at this moment. */
import { readFileSync } from 'node:fs'
import type { Machine } from '../probes/index.js'

export function machineNow(): Machine {
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(textOf('/proc/meminfo'))?.[1]
  const limits = textOf('/proc/self/limits')
  return {
    memAvailableBytes: Number(available ?? 0) * 1024,
    corePattern: textOf('/proc/sys/kernel/core_pattern').trim(),
    hard: { coreBytes: hard(limits, 'Max core file size'), openFiles: hard(limits, 'Max open files') },
  }
}

/** proc_pid_limits(5): name, soft, hard, units, in columns */
function hard(limits: string, name: string): number | null {
  const [, value = 'unlimited'] = new RegExp(`^${name}\\s+\\S+\\s+(\\S+)`, 'm').exec(limits) ?? []
  return value === 'unlimited' ? null : Number(value)
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
