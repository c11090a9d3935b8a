/**
 * Sandboxes that are there before their jobs are. Each has been started as far as its first process, which waits for a command: there is
 * nothing in it but what the plan says, and nothing of any tenant. Whoever asks for a sandbox of that plan takes one, once; another is
 * made when there is time for it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { OwnFiles, RunningSandbox, SandboxSource } from '../../boundary/index.js'
import { UsageError } from '../../errors/index.js'
import type { Plan } from '../../plan/index.js'
import { closedError } from '../closed.js'
import { launchedInTime } from '../launched-in-time.js'
import { isCopied, type WarmLimits, waitingBytes } from './options.js'
import { Shelf } from './shelf.js'

/** Nobody needs one that is made ahead, ms. */
const LAUNCH_MS = 60_000
/** After somebody took one: what that one does first goes first. Of many that are taken in a row none waits longer than the second, ms. */
const PAUSE_MS = 5
const LONGEST_PAUSE_MS = 100
const SWEEP_MS = 1_000
/** From when a sandbox can be talked to until it is whole, or gone, where nothing else runs, ms. */
const SETTLED_MS = 50
/** Who asked lately may ask again, ms. */
const REST_MS = 5_000
/** None waits longer: what it was made from may be another by then, ms. */
const AGE_MS = 300_000
/** Of the host's memory this share is nobody's to wait in. */
const LEFT_FREE = 0.1

export interface Surroundings {
  /** holds the root of a plan for as long as a sandbox has it, until what it returns is called */
  readonly hold: (plan: Plan) => () => void
  readonly nowMs: () => number
  /** of the host, or of the group that this process is in, bytes */
  readonly memory: () => { readonly available: number; readonly total: number }
}

export class WarmSource implements SandboxSource {
  readonly prepare?: (plan: Plan) => Promise<void>
  readonly #inner: SandboxSource
  readonly #limits: WarmLimits
  readonly #surroundings: Surroundings
  readonly #shelves = new Map<string, Shelf>()
  readonly #keys = new WeakMap<Plan, string>()
  readonly #sweeping: NodeJS.Timeout
  #pause: NodeJS.Timeout | null = null
  #pausedSinceMs = 0
  #refilling: Promise<void> | null = null
  /** sandboxes that somebody waits for */
  #launching = 0
  #isClosed = false

  constructor(inner: SandboxSource, limits: WarmLimits, surroundings: Surroundings) {
    this.#inner = inner
    this.#limits = limits
    this.#surroundings = surroundings
    if (inner.prepare !== undefined) this.prepare = inner.prepare.bind(inner)
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_MS).unref()
  }

  async launch(plan: Plan, files?: OwnFiles, waitsMs?: number): Promise<RunningSandbox> {
    // what is this job's alone, or of now, is in its sandbox from the first moment
    if (files !== undefined || isCopied(plan)) return this.#inner.launch(plan, files, waitsMs)
    const shelf = this.#shelf(plan)
    shelf.askedMs = this.#surroundings.nowMs()
    shelf.demand.asked(shelf.askedMs)
    const warm = shelf.take()
    if (warm !== null) {
      this.#refillSoon()
      return warm
    }
    this.#launching++
    try {
      return await (shelf.takeComing()?.catch(() => this.#inner.launch(plan)) ?? this.#inner.launch(plan))
    } finally {
      this.#launching--
      this.#refillSoon()
    }
  }

  /**
   * From now on so many of the plan wait, whether somebody asks or not. Resolves when they do.
   * @throws UsageError when so many may not wait
   * @throws LaunchError when one does not come up
   */
  async keep(plan: Plan, count: number): Promise<void> {
    const shelf = this.#shelf(plan)
    const before = shelf.atLeast
    shelf.atLeast = count
    shelf.askedMs = this.#surroundings.nowMs()
    try {
      this.#requireRoom(shelf)
      await this.#fill(shelf)
    } catch (error) {
      shelf.atLeast = before
      throw error
    }
  }

  /** What others have only because it was asked for lately makes room. @throws UsageError */
  #requireRoom(shelf: Shelf): void {
    const all = [...this.#shelves.values()]
    const kept = all.reduce((sum, each) => sum + each.atLeast, 0)
    const bytes = all.reduce((sum, each) => sum + bytesOf(each, each.atLeast), 0)
    const { most, memoryBytes } = this.#limits
    if (kept > most || bytes > memoryBytes)
      throw new UsageError(
        'warm.tooMany',
        `${kept} sandboxes would wait, and take ${mebibytes(bytes)} MiB; at most ${most} may, and ${mebibytes(memoryBytes)} MiB.`,
        'Start the Glovebox with larger `warm.most` and `warm.memory`, or keep fewer.',
      )
    const count = all.reduce((sum, each) => sum + Math.max(each.count, each.atLeast), 0)
    if (count <= most) return
    for (const each of all) if (each !== shelf) each.shrink(each.atLeast, 0)
  }

  /** One that can be talked to may still fail to come up: a moment later, as many have to be there. */
  async #fill(shelf: Shelf): Promise<void> {
    shelf.lost = null
    while (!this.#isClosed && shelf.waiting < shelf.atLeast) {
      while (shelf.lost === null && shelf.waiting < shelf.atLeast) await this.#makeOne(shelf)
      await sleep(SETTLED_MS)
      if (shelf.lost !== null) throw await shelf.lost
    }
    this.#requireOpen()
  }

  /** One more of the plan waits, for who takes it at once. @throws LaunchError when it does not come up */
  async add(plan: Plan): Promise<void> {
    const shelf = this.#shelf(plan)
    shelf.askedMs = this.#surroundings.nowMs()
    await this.#makeOne(shelf)
  }

  async #makeOne(shelf: Shelf): Promise<void> {
    while (this.#refilling !== null) await this.#refilling
    this.#requireOpen()
    const making = shelf.make(this.#making(shelf))
    this.#busy(making)
    const failure = await making
    if (failure !== null) throw failure
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#sweeping)
    if (this.#pause !== null) clearTimeout(this.#pause)
    for (let isLeft = true; isLeft; isLeft = this.#refilling !== null) {
      await Promise.all([...this.#shelves.values()].map((shelf) => shelf.end()))
      await this.#refilling
    }
    await Promise.all([...this.#shelves.values()].map((shelf) => shelf.end()))
    this.#shelves.clear()
    await this.#inner.close()
  }

  #requireOpen(): void {
    if (this.#isClosed) throw closedError()
  }

  #shelf(plan: Plan): Shelf {
    const key = this.#keys.get(plan) ?? JSON.stringify(plan)
    this.#keys.set(plan, key)
    const known = this.#shelves.get(key)
    if (known !== undefined) return known
    const { idleMs } = this.#limits
    const shelf = new Shelf(plan, this.#surroundings.nowMs(), idleMs, () => this.#refillSoon())
    this.#shelves.set(key, shelf)
    return shelf
  }

  #refillSoon(): void {
    if (this.#isClosed || this.#refilling !== null) return
    const now = this.#surroundings.nowMs()
    if (this.#pause === null) {
      this.#pausedSinceMs = now
      this.#pause = setTimeout(() => this.#refill(), PAUSE_MS).unref()
    } else if (now - this.#pausedSinceMs < LONGEST_PAUSE_MS) this.#pause.refresh()
  }

  #refill(): void {
    this.#pause = null
    if (this.#refilling === null) this.#busy(this.#refillAll())
  }

  #busy(making: Promise<unknown>): void {
    this.#refilling = making.then(() => {
      this.#refilling = null
    })
  }

  /** One after another, and none while somebody waits for theirs. */
  async #refillAll(): Promise<void> {
    while (!this.#isClosed && this.#launching === 0) {
      const shelf = this.#neediest()
      if (shelf === null) return
      await shelf.make(this.#making(shelf))
    }
  }

  #making({ plan }: Shelf): Parameters<Shelf['make']>[0] {
    return {
      launch: () => launchedInTime(this.#inner.launch(plan, undefined, AGE_MS + SWEEP_MS), LAUNCH_MS),
      hold: () => this.#surroundings.hold(plan),
      nowMs: this.#surroundings.nowMs,
    }
  }

  /** The plan that lacks most, if there is room for another of its sandboxes. */
  #neediest(): Shelf | null {
    const now = this.#surroundings.nowMs()
    const shelves = [...this.#shelves.values()]
    const all = shelves.reduce((sum, { count }) => sum + count, 0)
    const bytes = shelves.reduce((sum, each) => sum + bytesOf(each, each.count), 0)
    if (all >= this.#limits.most) return null
    const lack = (shelf: Shelf) => shelf.wanted(now) - shelf.count
    const fits = (shelf: Shelf) =>
      bytes + bytesOf(shelf, 1) <= this.#limits.memoryBytes && this.#hasRoom(shelf)
    return (
      shelves
        .filter((shelf) => shelf.canMake(now) && lack(shelf) > 0 && fits(shelf))
        .sort((a, b) => lack(b) - lack(a))[0] ?? null
    )
  }

  #hasRoom(shelf: Shelf): boolean {
    const { available, total } = this.#surroundings.memory()
    return available - bytesOf(shelf, 1) > total * LEFT_FREE
  }

  #sweep(): void {
    const now = this.#surroundings.nowMs()
    for (const [key, shelf] of this.#shelves) {
      const isAtRest = now - shelf.askedMs > Math.min(this.#limits.idleMs, REST_MS)
      shelf.shrink(isAtRest ? shelf.wanted(now) : shelf.waiting, now - AGE_MS)
      if (shelf.count === 0 && shelf.atLeast === 0 && now - shelf.askedMs > this.#limits.idleMs)
        this.#shelves.delete(key)
    }
    this.#refillSoon()
  }
}

const bytesOf = ({ plan }: Shelf, count: number): number => waitingBytes(plan.boundary) * count
const mebibytes = (bytes: number): number => Math.round(bytes / 1024 ** 2)
