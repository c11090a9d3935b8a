/**
 * Sandboxes that `run` uses again by itself, where a policy says so: for the same tenant and the same plan, and never without a tenant. One
 * that waits for a job of its tenant is ended when none comes.
 */
import type { SandboxSource } from '../../boundary/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import type { ReusePolicy } from '../../policy/index.js'
import type { JobNetwork } from '../job-network.js'
import { isTakenFrom, type Launched, launchedWith, type TakenFrom } from '../launched.js'
import { isCopied, shownNow } from '../pool/index.js'
import { KeptSandbox } from './kept.js'
import { type ReuseLimits, type ReuseOptions, reuseLimits } from './options.js'

const SWEEP_MS = 1_000

/** Of one tenant and one plan. */
interface Slot {
  readonly kept: KeptSandbox
  readonly key: string
  /** of the host, when it was made */
  readonly shown: string
  idleSinceMs: number
}

export class Reuse {
  readonly #limits: ReuseLimits
  readonly #nowMs: () => number
  readonly #inForce: InForce
  /** those that no job runs in, the one that was used last at the end; by tenant and plan */
  readonly #idle = new Map<string, Slot[]>()
  readonly #ending = new Set<Promise<unknown>>()
  #sweeping: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(options: ReuseOptions, nowMs: () => number, inForce = InForce.all) {
    this.#inForce = inForce
    this.#limits = reuseLimits(options)
    this.#nowMs = nowMs
  }

  /** What a run of this tenant has its sandbox from; `null`: from `source`, one of its own. */
  of(plan: Plan, tenant: string | null, source: SandboxSource): ReusedSource | null {
    const { reuse } = plan.lifetime
    // copies are of the moment of a start
    if (reuse === null || tenant === null || isCopied(plan)) return null
    const key = keyOf(this.#inForce.on('one-tenant') ? tenant : '', plan)
    return new ReusedSource(source, {
      take: (network) => this.#taken(key, plan) ?? this.#made(key, plan, reuse, source, network),
      over: (slot) => this.#isOver(slot),
    })
  }

  /** Resolves when none of them is left. */
  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#sweeping !== null) clearInterval(this.#sweeping)
    for (const slot of this.#all) this.#end(slot, 'the Glovebox was closed')
    this.#idle.clear()
    await Promise.all(this.#ending)
  }

  get #all(): Slot[] {
    return [...this.#idle.values()].flat()
  }

  /** The one that was used last: its memory is the warmest. One whose grants are other files by now is not used. */
  #taken(key: string, plan: Plan): Slot | null {
    const idle = this.#idle.get(key) ?? []
    const shown = idle.length > 0 ? shownNow(plan) : ''
    let found: Slot | null = null
    while (found === null && idle.length > 0) {
      const slot = idle.pop() as Slot
      if (slot.kept.isFree && slot.kept.isCurrent && slot.shown === shown) found = slot
      else this.#end(slot, 'it is not what would be made now')
    }
    if (idle.length === 0) this.#idle.delete(key)
    return found
  }

  #made(
    key: string,
    plan: Plan,
    reuse: ReusePolicy,
    source: SandboxSource,
    network: JobNetwork | null,
  ): Slot {
    const launch = () => madeFor(source, plan, network)
    const kept = new KeptSandbox({ plan, reuse, launch, nowMs: this.#nowMs, inForce: this.#inForce })
    return { kept, key, shown: shownNow(plan), idleSinceMs: 0 }
  }

  #isOver(slot: Slot): void {
    if (this.#isClosed || !slot.kept.isFree) {
      this.#end(slot, slot.kept.over ?? 'nobody waits for it any more')
      return
    }
    slot.idleSinceMs = this.#nowMs()
    this.#idle.set(slot.key, [...(this.#idle.get(slot.key) ?? []), slot])
    const all = this.#all.sort((a, b) => a.idleSinceMs - b.idleSinceMs)
    for (const each of all.slice(0, Math.max(0, all.length - this.#limits.most)))
      this.#drop(each, 'others were used after it')
    this.#sweeping ??= setInterval(() => this.#sweep(), SWEEP_MS).unref()
  }

  #sweep(): void {
    const since = this.#nowMs() - this.#limits.idleMs
    for (const slot of this.#all)
      if (slot.kept.over !== null || slot.idleSinceMs <= since) this.#drop(slot, 'no job came')
    if (this.#idle.size > 0 || this.#sweeping === null) return
    clearInterval(this.#sweeping)
    this.#sweeping = null
  }

  #drop(slot: Slot, why: string): void {
    const left = (this.#idle.get(slot.key) ?? []).filter((each) => each !== slot)
    if (left.length > 0) this.#idle.set(slot.key, left)
    else this.#idle.delete(slot.key)
    this.#end(slot, why)
  }

  #end({ kept }: Slot, why: string): void {
    const ending = kept.end(why).catch(() => {})
    this.#ending.add(ending)
    void ending.finally(() => this.#ending.delete(ending))
  }
}

/** A sandbox that is to be kept, from where single ones come; what it trusts is its own for its life. */
export function madeFor(
  source: SandboxSource,
  plan: Plan,
  network: JobNetwork | null,
): Promise<Launched<JobNetwork>> {
  const own = network?.another() ?? null
  const made = isTakenFrom(source) ? source.take(plan, own) : launchedWith(source, plan, own)
  return made as Promise<Launched<JobNetwork>>
}

interface Slots {
  take(network: JobNetwork | null): Slot
  over(slot: Slot): void
}

/** For one run. */
export class ReusedSource implements TakenFrom {
  readonly prepare?: (plan: Plan) => Promise<void>
  readonly launch: SandboxSource['launch']
  readonly #slots: Slots
  #slot: Slot | null = null

  constructor(inner: SandboxSource, slots: Slots) {
    if (inner.prepare !== undefined) this.prepare = inner.prepare.bind(inner)
    this.launch = inner.launch.bind(inner)
    this.#slots = slots
  }

  async take(_plan: Plan, network: JobNetwork | null): Promise<Launched> {
    let slot = this.#slots.take(network)
    while (slot.kept.runs > 0 && !(await slot.kept.isReady())) {
      this.#slots.over(slot)
      slot = this.#slots.take(network)
    }
    this.#slot = slot
    return await slot.kept.take()
  }

  /** The run is over, and nothing of it is attached to its sandbox any more. */
  over(): void {
    if (this.#slot !== null) this.#slots.over(this.#slot)
    this.#slot = null
  }

  async close(): Promise<void> {}
}

/** A tenant's name may hold anything. */
const keyOf = (tenant: string, plan: Plan): string => JSON.stringify([tenant, plan])
