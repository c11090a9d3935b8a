import { readdirSync, readFileSync } from 'node:fs'

/** Resident memory of the gateway that this process started, KiB. */
export function gatewayKiB(): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const words = read(`/proc/${pid}/cmdline`).split('\0')
    if (!words[0]?.includes('node') || !words.some((word) => word.includes('gateway'))) continue
    if (!descends(Number(pid))) continue
    return Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? Number.NaN)
  }
  throw new Error('no gateway runs')
}

function descends(pid: number): boolean {
  for (let at = pid; at > 1; ) {
    at = Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${at}/status`))?.[1] ?? 0)
    if (at === process.pid) return true
  }
  return false
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
