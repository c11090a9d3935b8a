import { held } from '../plan/index.js'
import type { RuleBudget } from '../policy/index.js'

/** How much has gone through, for one rule or one sandbox. Nothing beyond a limit ever passes. */
export class Budget {
  readonly #limits: RuleBudget
  readonly #now: () => number
  readonly #used = { up: 0, down: 0 }
  #connections = 0
  /** when the newest connections began, as many as may in one second; a ring */
  readonly #begun: number[] = []
  #oldest = 0

  /** @param now ms on a clock that never goes back */
  constructor(limits: RuleBudget, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  /** One more connection; `false`: it may not begin, and is not counted. Each `true` is given back by {@link close}. */
  open(): boolean {
    const { maxConnections, maxRate } = this.#limits
    if (held('gateway-budgets') && maxConnections !== null && this.#connections >= maxConnections)
      return false
    if (held('gateway-budgets') && maxRate !== null && !this.#begin(maxRate)) return false
    this.#connections += 1
    return true
  }

  close(): void {
    this.#connections = Math.max(0, this.#connections - 1)
  }

  /** `bytes` more in one direction; `false`: none of them may pass, and none is counted. */
  take(direction: 'up' | 'down', bytes: number): boolean {
    const limit = direction === 'up' ? this.#limits.maxUploadBytes : this.#limits.maxDownloadBytes
    const used = this.#used[direction] + bytes
    if (!(bytes >= 0) || (held('gateway-budgets') && limit !== null && used > limit)) return false
    this.#used[direction] = used
    return true
  }

  get connections(): number {
    return this.#connections
  }

  /** At most `maxRate` in any second, not only in one that begins when the clock strikes: the ring has the last `maxRate`. */
  #begin(maxRate: number): boolean {
    const now = this.#now()
    if (this.#begun.length < maxRate) {
      this.#begun.push(now)
      return true
    }
    const oldest = this.#begun[this.#oldest]
    if (oldest === undefined || now - oldest < 1000) return false
    this.#begun[this.#oldest] = now
    this.#oldest = (this.#oldest + 1) % maxRate
    return true
  }
}

/** Opens all or none: a connection counts for its rule and for its sandbox. */
export function openAll(budgets: readonly Budget[]): boolean {
  for (const [index, budget] of budgets.entries()) {
    if (budget.open()) continue
    for (const opened of budgets.slice(0, index)) opened.close()
    return false
  }
  return true
}
