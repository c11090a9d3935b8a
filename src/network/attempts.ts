import type { NetworkAttempt } from '../report/index.js'

/**
 * What is told one by one, of each kind: no flood of refusals, of whatever verdicts, pushes out of the report what went through.
 * Beyond them, what went through is added up for its rule: of no byte is nothing told. Together they are what one message of the
 * gateway may have.
 */
const MAX = { through: 400, refused: 300, sums: 300 } as const
type Kind = keyof typeof MAX

/** Names and paths are the job's own words, as long as it likes. */
const MAX_TEXT = 1024

export type Attempt = Omit<NetworkAttempt, 'count'>

/** All that one sandbox tried, in bounded memory: what was tried the same way again is counted, and its bytes added up. */
export class AttemptLog {
  readonly #entries = new Map<string, NetworkAttempt>()
  readonly #told = { through: 0, refused: 0, sums: 0 }
  #omitted = 0

  /** `times`: how often it was tried already, each in the same way */
  add(told: Attempt, times = 1): void {
    const attempt = bounded(told)
    // one that ended by a limit may have sent before
    const through = attempt.verdict === 'allow' || attempt.sentBytes + attempt.receivedBytes > 0
    if (this.#tell(attempt, times, through ? 'through' : 'refused')) return
    if (through && this.#tell(sumOf(attempt), times, 'sums')) return
    this.#omitted += times
  }

  /** `false`: it is none of those that were told, and they are enough */
  #tell(attempt: Attempt, times: number, kind: Kind): boolean {
    const key = keyOf(attempt)
    const known = this.#entries.get(key)
    if (known !== undefined) {
      this.#entries.set(key, merged(known, attempt, times))
      return true
    }
    if (this.#told[kind] >= MAX[kind]) return false
    this.#told[kind] += 1
    this.#entries.set(key, { ...attempt, count: times })
    return true
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

/** Where it went, and how, is left out. */
function sumOf({ at, protocol, verdict, rule, sentBytes, receivedBytes }: Attempt): Attempt {
  return { at, protocol, name: null, address: null, port: null, verdict, rule, sentBytes, receivedBytes }
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
