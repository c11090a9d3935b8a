/** Whose something on disk is: one process's, which may be dead by now. */
import { readFileSync, readlinkSync } from 'node:fs'

/** Of a machine or a container that this process can't look into, as on a home that is shared: waited for, ms. */
const FOREIGN_MS = 24 * 60 * 60 * 1000

const MARK = /^([0-9a-f-]{36})\.(\d+)\.(\d+)\.(\d+)$/

/** This process's: `BOOT.PIDNS.PID.STARTED`, which no other process ever has. */
export function ownMark(): string {
  return `${bootId()}.${pidNamespace()}.${process.pid}.${startedAt('self')}`
}

/** Whether the process is gone. `ageMs`: of what it marked, which decides where nobody here can tell. */
export function isGone(mark: string, ageMs: () => number): boolean {
  const [, boot, namespace, pid, started] = MARK.exec(mark) ?? []
  if (boot === bootId() && namespace === pidNamespace()) return startedAt(pid ?? '') !== started
  return ageMs() > FOREIGN_MS
}

/** The process id in a mark, for a person. */
export function pidOf(mark: string): number {
  return Number(MARK.exec(mark)?.[3] ?? 0)
}

const bootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
const pidNamespace = () => readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')

/** proc_pid_stat(5), field 22, behind a name that may itself hold anything but ends with the last `)`; null: no such process */
function startedAt(pid: string): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
