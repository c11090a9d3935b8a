import { type Attempt, AttemptLog } from '../../network/index.js'
import type { NetworkAttempt } from '../../report/index.js'

/** At most so often, ms: a job that makes thousands of attempts a second costs the supervisor a few messages. */
const EVERY_MS = 20

/**
 * Tells attempts as they conclude, so that a gateway that dies loses none but the last few: at once after a quiet moment, and together
 * in a busy one. What is not told yet is bounded as the whole is.
 */
export class Telling {
  #log = new AttemptLog()
  #timer: NodeJS.Timeout | null = null
  #toldAt = Number.NEGATIVE_INFINITY
  readonly #tell: (attempts: readonly NetworkAttempt[], omitted: number) => void
  readonly #now: () => number

  constructor(tell: (attempts: readonly NetworkAttempt[], omitted: number) => void, now: () => number) {
    this.#tell = tell
    this.#now = now
  }

  add(attempt: Attempt): void {
    this.#log.add(attempt)
    this.#timer ??= setTimeout(() => this.flush(), Math.max(0, this.#toldAt + EVERY_MS - this.#now()))
  }

  flush(): void {
    if (this.#timer === null) return
    clearTimeout(this.#timer)
    this.#timer = null
    this.#toldAt = this.#now()
    const log = this.#log
    this.#log = new AttemptLog()
    this.#tell(log.attempts, log.omitted)
  }
}
