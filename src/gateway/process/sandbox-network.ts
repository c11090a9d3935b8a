/** All that the gateway knows of one sandbox. Nothing here is shared with another. */
import {
  type Attempt,
  Budget,
  hint,
  SyntheticAddresses,
  type Target,
  type Verdict,
} from '../../network/index.js'
import type { NetworkPlan, NetworkRule } from '../../plan/index.js'
import { inTime } from '../../waiting/index.js'
import type { Attempted } from './attempted.js'
import type { OwnAddresses } from './own-addresses.js'
import type { Names } from './resolve.js'

/** What the process as a whole gives to each sandbox. */
export interface Surroundings {
  /** ms on a clock that never goes back */
  readonly now: () => number
  /** which of some addresses are this host's own */
  readonly own: OwnAddresses
  /** connections of all sandboxes together */
  readonly total: Budget
}

/** One attempt as it is recorded. */
export interface Conclusion extends Attempted {
  readonly verdict: Verdict
  readonly rule: NetworkRule | null
  readonly address?: string | null
  readonly sentBytes?: number
  readonly receivedBytes?: number
  readonly problem?: string | null
  /** in place of what the verdict alone says */
  readonly hint?: string | null
}

/** Takes out of the job's words what may be in no record. */
export interface Redaction {
  text(text: string): string
  /** a host's, in lower case */
  name(name: string): string
}

/** A hint may say the name that was tried, and so hold what a job has put into it. */
function safely(line: string, target: Target, { text, name }: Redaction): string {
  return text(target.kind === 'name' ? line.replaceAll(target.name, () => name(target.name)) : line)
}

const AS_IT_IS: Redaction = { text: (text) => text, name: (name) => name }

/** More turns than a queue of connections has places. */
const MOST_TURNS = 1024

/** What is closed says so within a turn of the loop or two; a resolver that was asked may take longer. */
const CONCLUDE_MS = 1000

export class SandboxNetwork {
  readonly addresses = new SyntheticAddresses()
  readonly budget: Budget
  readonly now: () => number
  readonly own: OwnAddresses
  readonly total: Budget
  redaction = AS_IT_IS
  /** connections so far, whatever became of them */
  accepted = 0
  #ended = false
  readonly #rules = new Map<string, Budget>()
  readonly #closers = new Set<() => void>()
  readonly #works = new Set<Promise<void>>()

  constructor(
    readonly plan: NetworkPlan,
    readonly names: Names,
    surroundings: Surroundings,
    readonly log: { add(attempt: Attempt): void },
  ) {
    this.now = surroundings.now
    this.own = surroundings.own
    this.total = surroundings.total
    this.budget = new Budget(plan.budget, this.now)
  }

  get ended(): boolean {
    return this.#ended
  }

  budgetOf(rule: NetworkRule): Budget {
    const budget = this.#rules.get(rule.name) ?? new Budget(rule.budget, this.now)
    this.#rules.set(rule.name, budget)
    return budget
  }

  /** Where a connection leads; `null`: to a name that was never asked for. */
  targetOf(address: string): Target | null {
    if (!this.addresses.covers(address)) return { kind: 'address', address }
    const name = this.addresses.nameOf(address)
    return name === null ? null : { kind: 'name', name }
  }

  record({ target, rule, address = null, problem = null, ...said }: Conclusion): void {
    const { protocol, port, verdict } = said
    const { text, name } = this.redaction
    const method = said.method === undefined ? undefined : text(said.method)
    const path = said.path === undefined ? undefined : text(said.path)
    const tried = {
      protocol,
      name: target.kind === 'name' ? name(target.name) : null,
      address: address ?? (target.kind === 'address' ? target.address : null),
      port,
      verdict,
      rule: rule?.name ?? null,
      ...(method === undefined ? {} : { method }),
      ...(path === undefined ? {} : { path }),
    }
    const line = said.hint == null ? hint(tried) : safely(said.hint, target, this.redaction)
    this.log.add({
      at: new Date().toISOString(),
      ...tried,
      sentBytes: said.sentBytes ?? 0,
      receivedBytes: said.receivedBytes ?? 0,
      ...(problem === null ? {} : { problem: text(problem) }),
      ...(line === null ? {} : { hint: line }),
    })
  }

  /**
   * `close` is called when the sandbox ends, unless it was taken back by what this returns. Never before this has returned, so that
   * whoever asks may be half made: what it threw would end every sandbox's network.
   */
  whenEnded(close: () => void): () => void {
    let wanted = true
    const closer = () => {
      if (wanted) close()
    }
    if (this.#ended) queueMicrotask(closer)
    else this.#closers.add(closer)
    return () => {
      wanted = false
      this.#closers.delete(closer)
    }
  }

  /** Something that ends with a record. What goes wrong in it goes wrong for the gateway as a whole. */
  during(work: Promise<void>): void {
    this.#works.add(work)
    work.then(() => this.#works.delete(work))
  }

  /** Resolves when all that was under way is on record, or has had the time for it. */
  async concluded(): Promise<void> {
    await inTime(Promise.all(this.#works), CONCLUDE_MS)
  }

  /**
   * Resolves when what the job had connected to is accepted: each turn of the loop accepts one connection, and the others would end in
   * the kernel's queue, on no record.
   */
  async drained(): Promise<void> {
    for (let [turns, before] = [0, -1]; turns < MOST_TURNS && this.accepted !== before; turns++) {
      before = this.accepted
      // the first ends the turn that this is in, the second one that has looked at every socket
      await turn()
      await turn()
    }
  }

  /** Everything of the sandbox is closed when this returns. */
  end(): void {
    this.#ended = true
    for (const close of this.#closers) close()
    this.#closers.clear()
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
