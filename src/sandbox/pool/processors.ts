/** Whether this host's processors have time for what nobody waits for. */
import { readFileSync } from 'node:fs'

/** Their time is counted in hundredths of a second: of less than this nothing can be told, ms. */
const SPAN_MS = 100
/** What is left over where at least so much is, of all of them together. */
const IDLE = 0.1

/** proc_stat(5), summed over all processors. */
export interface Times {
  readonly idle: number
  readonly all: number
}

export class Processors {
  readonly #nowMs: () => number
  readonly #times: () => Times | null
  #asOf: { readonly atMs: number; readonly times: Times } | null = null
  #isIdle = true

  /** @param times `null`: they can't be told, and are taken for idle */
  constructor(nowMs: () => number, times = timesOfHost) {
    this.#nowMs = nowMs
    this.#times = times
  }

  /** As of the last tenth of a second or more in which anybody asked. */
  hadTime(): boolean {
    const now = this.#nowMs()
    const last = this.#asOf
    if (last !== null && now - last.atMs < SPAN_MS) return this.#isIdle
    const times = this.#times()
    // a long span says nothing of now
    if (times !== null && last !== null && now - last.atMs < 10 * SPAN_MS)
      this.#isIdle = times.idle - last.times.idle >= IDLE * (times.all - last.times.all)
    else this.#isIdle = true
    this.#asOf = times === null ? null : { atMs: now, times }
    return this.#isIdle
  }
}

/** `cpu  user nice system idle iowait irq softirq steal …`: guests are in user already */
export function timesIn(stat: string): Times | null {
  const [, line] = /^cpu +((?:\d+ ?){5,})/m.exec(stat) ?? []
  if (line === undefined) return null
  const [user = 0, nice = 0, system = 0, idle = 0, ...rest] = line.trim().split(' ').map(Number)
  const waiting = rest[0] ?? 0
  const others = rest.slice(1, 4).reduce((sum, each) => sum + each, 0)
  return { idle: idle + waiting, all: user + nice + system + idle + waiting + others }
}

function timesOfHost(): Times | null {
  try {
    return timesIn(readFileSync('/proc/stat', 'utf8'))
  } catch {
    return null
  }
}
