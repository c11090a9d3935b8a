/**
 * Sandboxes that are there before their jobs are. Each has been started as far as its first process, which waits for a command: there is
 * nothing in it but what the plan says, and nothing of any tenant. Whoever asks for a sandbox of that plan takes one, once; another is
 * made when there is time for it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { OwnFiles, RunningSandbox, SandboxSource } from '../../boundary/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import { closedError } from '../closed.js'
import type { JobNetwork } from '../job-network.js'
import { type Launched, launchedWith, type TakenFrom } from '../launched.js'
import { launchedInTime } from '../launched-in-time.js'
import { isCopied } from './options.js'
import type { Room } from './room.js'
import { type Making, Shelf } from './shelf.js'
import { shownNow } from './shown.js'

/** Nobody needs one that is made ahead, ms. */
const LAUNCH_MS = 60_000
/** After somebody took one: what that one does first goes first. Of many that are taken in a row none waits longer than the second, ms. */
const PAUSE_MS = 5
const LONGEST_PAUSE_MS = 100
const BUSY_PAUSE_MS = 50
const SWEEP_MS = 1_000
/** From when a sandbox can be talked to until it is whole, or gone, where nothing else runs, ms. */
const SETTLED_MS = 50
/** Who asked lately may ask again, ms. */
const REST_MS = 5_000
/** None waits longer: what it was made from may be another by then, ms. */
const AGE_MS = 300_000

export class WarmSource implements TakenFrom {
  readonly prepare?: (plan: Plan) => Promise<void>
  readonly #inner: SandboxSource
  readonly #room: Room
  readonly #inForce: InForce
  readonly #shelves = new Map<string, Shelf>()
  readonly #keys = new WeakMap<Plan, string>()
  readonly #sweeping: NodeJS.Timeout
  #pause: NodeJS.Timeout | null = null
  #pausedSinceMs = 0
  #refilling: Promise<void> | null = null
  /** sandboxes that somebody waits for */
  #launching = 0
  #isClosed = false

  /** @param inForce absent: all mechanisms are */
  constructor(inner: SandboxSource, room: Room, inForce = InForce.all) {
    this.#inner = inner
    this.#room = room
    this.#inForce = inForce
    if (inner.prepare !== undefined) this.prepare = inner.prepare.bind(inner)
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_MS).unref()
  }

  /** One that is made for who asks. */
  launch(plan: Plan, files?: OwnFiles, waitsMs?: number): Promise<RunningSandbox> {
    return this.#inner.launch(plan, files, waitsMs)
  }

  /**
   * One that waited, or that is made now. What it trusts it has from its first moment: the network that comes with it is the one to be used,
   * in the place of `network`, of which nothing was made then. Throws LaunchError as `launch` does.
   */
  async take(plan: Plan, network: JobNetwork | null): Promise<Launched<JobNetwork>> {
    const made = () => launchedWith(this.#inner, plan, network)
    // what is of now is in its sandbox from the first moment
    if (isCopied(plan)) return made()
    const shelf = this.#shelf(plan, network)
    shelf.askedMs = this.#nowMs()
    shelf.demand.asked(shelf.askedMs)
    const warm = shelf.take(shelf.askedMs)
    if (warm !== null) {
      this.#refillSoon()
      return { ...warm, network: warm.network ?? network }
    }
    this.#launching++
    try {
      const coming = await shelf.takeComing()?.catch(() => null)
      return coming == null ? await made() : { ...coming, network: coming.network ?? network }
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
  async keep(plan: Plan, network: JobNetwork | null, count: number): Promise<void> {
    const shelf = this.#shelf(plan, network)
    const before = shelf.atLeast
    shelf.atLeast = count
    shelf.askedMs = this.#nowMs()
    try {
      this.#room.require(shelf)
      await this.#fill(shelf)
    } catch (error) {
      shelf.atLeast = before
      throw error
    }
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
  async add(plan: Plan, network: JobNetwork | null): Promise<void> {
    const shelf = this.#shelf(plan, network)
    shelf.askedMs = this.#nowMs()
    shelf.demand.asked(shelf.askedMs) // else it would not wait for long
    await this.#makeOne(shelf)
  }

  /** Resolves when none of the plan that waits now is left. */
  async forget(plan: Plan, network: JobNetwork | null): Promise<void> {
    await this.#shelf(plan, network).end()
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
    for (const shelf of this.#shelves.values()) this.#room.delete(shelf)
    this.#shelves.clear()
    await this.#inner.close()
  }

  #requireOpen(): void {
    if (this.#isClosed) throw closedError()
  }

  #nowMs(): number {
    return this.#room.surroundings.nowMs()
  }

  /** Of sandboxes that are alike: of one plan, and where one trusts what its gateway made, of one gateway. */
  #shelf(plan: Plan, network: JobNetwork | null): Shelf {
    const own = network?.isTrusted === true ? network : null
    const text = this.#inForce.on('one-plan') ? (this.#keys.get(plan) ?? JSON.stringify(plan)) : ''
    this.#keys.set(plan, text)
    const key = own === null ? text : `${text} ${JSON.stringify(own.whose)}`
    const known = this.#shelves.get(key)
    if (known !== undefined) return known
    const { idleMs } = this.#room.limits
    const shelf = new Shelf(plan, own, {
      nowMs: this.#nowMs(),
      memoryMs: idleMs,
      shownNow: this.#inForce.on('shown-again') ? shownNow : () => '',
      onGone: () => this.#refillSoon(),
    })
    this.#shelves.set(key, shelf)
    this.#room.add(shelf)
    return shelf
  }

  #refillSoon(): void {
    if (this.#isClosed || this.#refilling !== null) return
    const now = this.#nowMs()
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

  /** One after another, none while somebody waits for theirs, and few while the processors have nothing over. */
  async #refillAll(): Promise<void> {
    while (!this.#isClosed && this.#launching === 0) {
      const shelf = this.#neediest()
      if (shelf === null) return
      if (!this.#room.hasTime) {
        this.#pause ??= setTimeout(() => this.#refill(), BUSY_PAUSE_MS).unref()
        return
      }
      this.#room.makesOne()
      await shelf.make(this.#making(shelf))
    }
  }

  #making(shelf: Shelf): Making {
    const { hold, nowMs } = this.#room.surroundings
    return { launch: () => this.#launchOne(shelf), hold: () => hold(shelf.plan), nowMs }
  }

  async #launchOne({ plan, network }: Shelf): Promise<Launched<JobNetwork>> {
    const own = network?.another() ?? null
    try {
      const launching = launchedWith(this.#inner, plan, own, AGE_MS + SWEEP_MS)
      const sandbox = await launchedInTime(
        launching.then((launched) => launched.sandbox),
        LAUNCH_MS,
      )
      return { sandbox, network: own }
    } catch (error) {
      await own?.release()
      throw error
    }
  }

  /** The plan that lacks most, if there is room for another of its sandboxes. */
  #neediest(): Shelf | null {
    const now = this.#nowMs()
    const lack = (shelf: Shelf) => shelf.wanted(now) - shelf.count
    return (
      [...this.#shelves.values()]
        .filter((shelf) => shelf.canMake(now) && lack(shelf) > 0 && this.#room.holdsAnother(shelf))
        .sort((a, b) => lack(b) - lack(a))[0] ?? null
    )
  }

  #sweep(): void {
    const now = this.#nowMs()
    const { idleMs } = this.#room.limits
    for (const [key, shelf] of this.#shelves) {
      const isAtRest = now - shelf.askedMs > Math.min(idleMs, REST_MS)
      shelf.discardUseless()
      shelf.shrink(isAtRest ? shelf.wanted(now) : shelf.waiting, now - AGE_MS)
      if (shelf.count === 0 && shelf.atLeast === 0 && now - shelf.askedMs > idleMs) {
        this.#shelves.delete(key)
        this.#room.delete(shelf)
      }
    }
    this.#refillSoon()
  }
}
