import { readFileSync } from 'node:fs'

/** Proportional set size of a process, MiB; 0 when it is gone. */
export const pssMiB = (pid: number): number =>
  Number(/^Pss:\s+(\d+)/m.exec(text(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1024

/** Of a file of /proc; empty when its process is gone. */
export function text(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
