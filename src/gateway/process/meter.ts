import type { Budget } from '../../network/index.js'

/** `null`: the rule has no connection left */
export function openMeter(rule: Budget, sandbox: Budget): Meter | null {
  const meter = new Meter(rule, sandbox)
  return meter.open() ? meter : null
}

/** What one connection takes from the budgets of its rule and its sandbox. */
export class Meter {
  sentBytes = 0
  receivedBytes = 0
  readonly #rule: Budget
  readonly #sandbox: Budget
  #opened = false

  /** `sandbox`: in which the connection is counted already */
  constructor(rule: Budget, sandbox: Budget) {
    this.#rule = rule
    this.#sandbox = sandbox
  }

  /** One more connection of the rule; `false`: it may not begin. */
  open(): boolean {
    this.#opened = this.#rule.open()
    return this.#opened
  }

  close(): void {
    if (this.#opened) this.#rule.close()
    this.#opened = false
  }

  /** `false`: these bytes may not pass */
  take(direction: 'up' | 'down', bytes: number): boolean {
    if (!this.#sandbox.take(direction, bytes) || !this.#rule.take(direction, bytes)) return false
    if (direction === 'up') this.sentBytes += bytes
    else this.receivedBytes += bytes
    return true
  }
}
