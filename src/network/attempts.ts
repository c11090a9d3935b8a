import type { NetworkAttempt } from '../report/index.js'

/** Attempts that are told one by one. */
export const MAX_ATTEMPTS = 1000
/** Of one verdict: a flood of refused names must not push out of the report what was let through, nor the other way round. */
export const MAX_OF_A_VERDICT = 500

/** Names and paths are the job's own words, as long as it likes. */
const MAX_TEXT = 1024

export type Attempt = Omit<NetworkAttempt, 'count'>

/** All that one sandbox tried, in bounded memory: what was tried the same way again is counted, and its bytes added up. */
export class AttemptLog {
  readonly #entries = new Map<string, NetworkAttempt>()
  readonly #ofVerdict = new Map<string, number>()
  #omitted = 0

  /** `times`: how often it was tried already, each in the same way */
  add(told: Attempt, times = 1): void {
    const attempt = bounded(told)
    const key = keyOf(attempt)
    const known = this.#entries.get(key)
    if (known !== undefined) {
      this.#entries.set(key, merged(known, attempt, times))
      return
    }
    const alike = this.#ofVerdict.get(attempt.verdict) ?? 0
    if (this.#entries.size >= MAX_ATTEMPTS || alike >= MAX_OF_A_VERDICT) {
      this.#omitted += times
      return
    }
    this.#ofVerdict.set(attempt.verdict, alike + 1)
    this.#entries.set(key, { ...attempt, count: times })
  }

  /** In the order of the first of each kind. */
  get attempts(): readonly NetworkAttempt[] {
    return [...this.#entries.values()]
  }

  /** how many attempts are in none of them */
  get omitted(): number {
    return this.#omitted
  }
}

function keyOf({ protocol, name, address, port, verdict, rule, method, path, problem }: Attempt): string {
  return JSON.stringify([protocol, name, address, port, verdict, rule, method, path, problem])
}

function merged(known: NetworkAttempt, again: Attempt, times: number): NetworkAttempt {
  return {
    ...known,
    sentBytes: known.sentBytes + again.sentBytes,
    receivedBytes: known.receivedBytes + again.receivedBytes,
    count: known.count + times,
  }
}

function bounded(attempt: Attempt): Attempt {
  const { name, method, path, problem } = attempt
  return {
    ...attempt,
    name: name === null ? null : cut(name),
    ...(method === undefined ? {} : { method: cut(method) }),
    ...(path === undefined ? {} : { path: cut(path) }),
    ...(problem === undefined ? {} : { problem: cut(problem) }),
  }
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
}
