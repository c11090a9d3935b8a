/** Processor time that comes at a steady rate: what was not taken is kept for a moment, and what was taken too early is owed. Pure. */

/** For so long it is kept, ms. */
const KEPT_MS = 500
/** What is owed is paid in so long at most, ms: a machine that a job has taken over says of its time what it likes. */
const LONGEST_MS = 3_600_000

export class Budget {
  readonly #cpus: number
  /** of processor time; below 0 it is kept */
  #owedMs: number
  #asOfMs: number

  /** @param cpus processors */
  constructor(cpus: number, nowMs: number) {
    this.#cpus = cpus
    this.#owedMs = -cpus * KEPT_MS
    this.#asOfMs = nowMs
  }

  /** `cpuMs`: that was taken, ms of processor time */
  take(cpuMs: number, nowMs: number): void {
    const owedMs = this.#owed(nowMs) + (cpuMs > 0 ? cpuMs : 0)
    this.#owedMs = Math.min(owedMs, this.#cpus * LONGEST_MS)
    this.#asOfMs = nowMs
  }

  /** Until nothing is owed, ms; 0: nothing is. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#owed(nowMs)) / this.#cpus
  }

  /** Until as much is kept as can be, ms: then it is as a new one. */
  wholeInMs(nowMs: number): number {
    return this.#owed(nowMs) / this.#cpus + KEPT_MS
  }

  #owed(nowMs: number): number {
    return Math.max(-this.#cpus * KEPT_MS, this.#owedMs - (nowMs - this.#asOfMs) * this.#cpus)
  }
}
