/**
 * Who runs next. As many run as there is room for; the others wait in a line of their own for each tenant, and the tenant of whom fewest
 * run goes first. So who asks most waits longest, and nobody waits for the line of another. Who took more processor time than is a tenant's
 * waits until that has come. Pure but for the times that it is told, and what it is woken by.
 */
import { BusyError } from '../../errors/index.js'
import { Budget } from './budget.js'
import type { Room } from './options.js'

/** Other tenants' runs that fit may pass one that does not, for so long, ms; then those that come behind it wait until there is room for it. */
const PASSED_MS = 5_000
/** What is told to come again, ms. */
const SOONEST_MS = 50
const LATEST_MS = 60_000
/** How much of what was known of how long a run takes goes with each that ends. */
const WEIGHT = 0.1

export interface Asking {
  /** `null`: those without a tenant are one */
  readonly tenant: string | null
  /** that its limits let it take, bytes */
  readonly memoryBytes: number
}

/** A place among those that run. */
export interface Place {
  /** it runs now: another may be started */
  started(): void
  /** nothing of it is left. May be called again. */
  leave(): void
}

interface Waiter extends Asking {
  readonly sinceMs: number
  readonly admit: (place: Place) => void
  readonly refuse: (error: BusyError) => void
}

interface Tenant {
  readonly line: Waiter[]
  running: number
  /** counts up with each that was admitted: who was served longest ago goes first */
  served: number
  /** of processor time; `null`: as much as it likes */
  readonly budget: Budget | null
}

/** Calls `then` once, in `ms` or later. */
export type Wake = (ms: number, then: () => void) => void

const inTime: Wake = (ms, then) => {
  setTimeout(then, ms).unref() // whoever waits has a timer of its own
}

export class Admission {
  readonly #room: Room
  readonly #nowMs: () => number
  readonly #wake: Wake
  readonly #tenants = new Map<string | null, Tenant>()
  #running = 0
  #starting = 0
  #memoryBytes = 0
  #waiting = 0
  #served = 0
  #runMs = 1_000
  /** when it is woken next */
  #wokenMs = Number.POSITIVE_INFINITY

  constructor(room: Room, nowMs: () => number, wake = inTime) {
    this.#room = room
    this.#nowMs = nowMs
    this.#wake = wake
  }

  get waiting(): number {
    return this.#waiting
  }

  get running(): number {
    return this.#running
  }

  /**
   * Calls `admit` now or later, or `refuse` with a BusyError, and returns what takes it out of the line.
   * Of those that wait, one of the tenant with the longest line is refused when another tenant's needs its place.
   */
  enter(asking: Asking, admit: (place: Place) => void, refuse: (error: BusyError) => void): () => void {
    const { memory, queue } = this.#room
    if (asking.memoryBytes > memory) {
      refuse(neverFits(asking.memoryBytes, memory))
      return () => {}
    }
    const tenant = this.#tenant(asking.tenant)
    const waiter: Waiter = { ...asking, sinceMs: this.#nowMs(), admit, refuse }
    if (this.#waiting === 0 && this.#hasRoomFor(waiter, tenant)) {
      this.#admit(waiter, tenant)
      return () => {}
    }
    tenant.line.push(waiter)
    this.#waiting++
    this.#next()
    if (this.#waiting > queue) this.#refuseLast()
    return () => {
      const at = tenant.line.indexOf(waiter)
      if (at === -1) return
      tenant.line.splice(at, 1)
      this.#waiting--
      this.#forget(asking.tenant, tenant)
      this.#next()
    }
  }

  /**
   * For who asks before anything is made for a run: whether `enter` would refuse it at once, as the last of the longest line. A thousand runs that
   * are refused must not keep others from their turn.
   * @throws BusyError
   */
  requireRoom({ tenant, memoryBytes }: Asking): void {
    const line = this.#tenants.get(tenant)?.line.length ?? 0
    // else it may be the first of its tenant's, whose turn it is
    if (line === 0 || this.#waiting < this.#room.queue || memoryBytes > this.#room.memory) return
    for (const [name, each] of this.#tenants) if (name !== tenant && each.line.length > line) return
    throw busy(this.#room.queue, this.#retryMs(this.#tenants.get(tenant)))
  }

  /** A run of the tenant's took so much processor time, ms; before it leaves its place. */
  charge(name: string | null, cpuMs: number): void {
    if (this.#hasBudgets) this.#tenant(name).budget?.take(cpuMs, this.#nowMs())
  }

  get #hasBudgets(): boolean {
    return this.#room.perTenantCpus !== Number.POSITIVE_INFINITY
  }

  #tenant(name: string | null): Tenant {
    const known = this.#tenants.get(name)
    if (known !== undefined) return known
    // behind those who wait, as who comes again and again is new each time, and before who was served last
    const budget = this.#hasBudgets ? new Budget(this.#room.perTenantCpus, this.#nowMs()) : null
    const tenant: Tenant = { line: [], running: 0, served: this.#served - 1, budget }
    this.#tenants.set(name, tenant)
    return tenant
  }

  #forget(name: string | null, tenant: Tenant): void {
    if (tenant.line.length > 0 || tenant.running > 0) return
    // who owes is not forgotten for having nothing under way
    if ((tenant.budget?.wholeInMs(this.#nowMs()) ?? 0) <= 0) this.#tenants.delete(name)
  }

  #owes({ budget }: Tenant): boolean {
    return budget !== null && budget.waitMs(this.#nowMs()) > 0
  }

  #hasRoomFor({ memoryBytes }: Asking, tenant: Tenant): boolean {
    const { sandboxes, starts, perTenant, memory } = this.#room
    return (
      this.#running < sandboxes &&
      this.#starting < starts &&
      tenant.running < perTenant &&
      !this.#owes(tenant) &&
      this.#memoryBytes + memoryBytes <= memory
    )
  }

  #fits(tenant: Tenant): boolean {
    const [first] = tenant.line
    return first !== undefined && this.#hasRoomFor(first, tenant)
  }

  #next(): void {
    for (;;) {
      const now = this.#nowMs()
      const heads = [...this.#tenants.values()]
        .filter((each) => each.line.length > 0 && each.running < this.#room.perTenant && !this.#owes(each))
        .sort((a, b) => a.running - b.running || a.served - b.served)
      // whoever goes before may not be kept waiting by one that does not fit
      const passed = heads.findIndex(
        (each) => !this.#fits(each) && now - (each.line[0]?.sinceMs ?? now) > PASSED_MS,
      )
      const next = (passed === -1 ? heads : heads.slice(0, passed)).find((each) => this.#fits(each))
      const waiter = next?.line.shift()
      if (next === undefined || waiter === undefined) break
      this.#waiting--
      this.#admit(waiter, next)
    }
    this.#wakeLater()
  }

  /** When the first of those who wait for processor time has it, or nobody does, when the first is as if it had never been here. */
  #wakeLater(): void {
    if (!this.#hasBudgets) return
    const now = this.#nowMs()
    const times = [...this.#tenants.values()].flatMap(({ line, running, budget }) => {
      if (budget === null || (line.length === 0 && running > 0)) return []
      const ms = line.length > 0 ? budget.waitMs(now) : budget.wholeInMs(now)
      return ms > 0 ? [ms] : []
    })
    const atMs = now + Math.ceil(Math.min(...times))
    if (times.length === 0 || atMs >= this.#wokenMs) return
    this.#wokenMs = atMs
    this.#wake(atMs - now, () => {
      if (this.#wokenMs === atMs) this.#wokenMs = Number.POSITIVE_INFINITY
      for (const [name, tenant] of this.#tenants) this.#forget(name, tenant)
      this.#next()
    })
  }

  #admit(waiter: Waiter, tenant: Tenant): void {
    const { memoryBytes } = waiter
    const beganMs = this.#nowMs()
    tenant.served = ++this.#served
    tenant.running++
    this.#running++
    this.#starting++
    this.#memoryBytes += memoryBytes
    let [isStarting, isThere] = [true, true]
    const started = () => {
      if (!isStarting) return
      isStarting = false
      this.#starting--
      this.#next()
    }
    const leave = () => {
      if (!isThere) return
      isThere = false
      tenant.running--
      this.#running--
      this.#memoryBytes -= memoryBytes
      this.#runMs += (this.#nowMs() - beganMs - this.#runMs) * WEIGHT
      this.#forget(waiter.tenant, tenant)
      if (isStarting) started()
      else this.#next()
    }
    waiter.admit({ started, leave })
  }

  /** The last of the longest line: where lines are as long, of the one that was served last. */
  #refuseLast(): void {
    const [name, longest] =
      [...this.#tenants].sort(([, a], [, b]) => b.line.length - a.line.length || b.served - a.served)[0] ?? []
    const last = longest?.line.pop()
    if (name === undefined || longest === undefined || last === undefined) return
    this.#waiting--
    this.#forget(name, longest)
    last.refuse(busy(this.#room.queue, this.#retryMs(longest)))
    this.#next()
  }

  #retryMs(tenant?: Tenant): number {
    const rounds = (this.#waiting + 1) / Math.min(this.#room.sandboxes, this.#running + 1)
    const owedMs = tenant?.budget?.waitMs(this.#nowMs()) ?? 0
    return Math.round(Math.min(LATEST_MS, Math.max(SOONEST_MS, rounds * this.#runMs, owedMs)))
  }
}

function busy(queue: number, retryAfterMs: number): BusyError {
  return new BusyError(
    'busy.queue',
    queue === 0 ? 'As many run as may, and none may wait.' : `${queue} runs wait already, and no more may.`,
    `Come again in ${(retryAfterMs / 1000).toFixed(1)} s (retryAfterMs), or let more wait: concurrency.queue.`,
    retryAfterMs,
  )
}

function neverFits(bytes: number, memory: number): BusyError {
  return new BusyError(
    'busy.memory',
    `The job may take ${bytes} bytes of memory, and all that run together ${memory}: there will never be room for it.`,
    'Lower limits.memory in its policy, or raise concurrency.memory.',
    null,
  )
}
