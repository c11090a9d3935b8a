/** What bounds the sandboxes of one `Glovebox` that wait: on whichever boundary, together. */
import { UsageError } from '../../errors/index.js'
import type { Plan } from '../../plan/index.js'
import { type WarmLimits, waitingBytes } from './options.js'
import type { Shelf } from './shelf.js'

/** Of the host's memory this share is nobody's to wait in. */
const LEFT_FREE = 0.1
/** Between two that are made where the processors have nothing over, ms. */
const BUSY_MS = 250
/** As long a look at the memory counts, ms. */
const MEMORY_MS = 20

export interface Surroundings {
  /** holds the root of a plan for as long as a sandbox has it, until what it returns is called */
  readonly hold: (plan: Plan) => () => void
  readonly nowMs: () => number
  /** of the host, or of the group that this process is in, bytes */
  readonly memory: () => Memory
  /** whether the host's processors had some over lately */
  readonly hadTime: () => boolean
}

export interface Memory {
  readonly available: number
  readonly total: number
}

export class Room {
  readonly limits: WarmLimits
  readonly surroundings: Surroundings
  readonly #shelves = new Set<Shelf>()
  #madeMs = 0
  #memory: (Memory & { readonly atMs: number }) | null = null

  constructor(limits: WarmLimits, surroundings: Surroundings) {
    this.limits = limits
    this.surroundings = surroundings
  }

  add(shelf: Shelf): void {
    this.#shelves.add(shelf)
  }

  delete(shelf: Shelf): void {
    this.#shelves.delete(shelf)
  }

  /** For one that nobody waits for: where all processors are busy it would only take from those who do. A few are made all the same. */
  get hasTime(): boolean {
    const { nowMs, hadTime } = this.surroundings
    return hadTime() || nowMs() - this.#madeMs >= BUSY_MS
  }

  /** One is made that nobody waits for. */
  makesOne(): void {
    this.#madeMs = this.surroundings.nowMs()
  }

  /** For one more of a plan. */
  holdsAnother(shelf: Shelf): boolean {
    const { most, memoryBytes } = this.limits
    const all = [...this.#shelves]
    const count = all.reduce((sum, each) => sum + each.count, 0)
    const bytes = all.reduce((sum, each) => sum + bytesOf(each, each.count), bytesOf(shelf, 1))
    const { available, total } = this.#memoryLately()
    return count < most && bytes <= memoryBytes && available - bytesOf(shelf, 1) > total * LEFT_FREE
  }

  /** To look takes a quarter of a millisecond, and a start tens of them. */
  #memoryLately(): Memory {
    const now = this.surroundings.nowMs()
    if (this.#memory === null || now - this.#memory.atMs >= MEMORY_MS)
      this.#memory = { atMs: now, ...this.surroundings.memory() }
    return this.#memory
  }

  /** For all that are to be kept. What others have only because it was asked for lately makes room. @throws UsageError */
  require(shelf: Shelf): void {
    const { most, memoryBytes } = this.limits
    const all = [...this.#shelves]
    const kept = all.reduce((sum, each) => sum + each.atLeast, 0)
    const bytes = all.reduce((sum, each) => sum + bytesOf(each, each.atLeast), 0)
    if (kept > most || bytes > memoryBytes)
      throw new UsageError(
        'warm.tooMany',
        `${kept} sandboxes would wait, and take ${mebibytes(bytes)} MiB; at most ${most} may, and ${mebibytes(memoryBytes)} MiB.`,
        'Start the Glovebox with larger `warm.most` and `warm.memory`, or keep fewer.',
      )
    const wanted = (of: (each: Shelf, count: number) => number) =>
      all.reduce((sum, each) => sum + of(each, Math.max(each.count, each.atLeast)), 0)
    if (wanted((_, count) => count) <= most && wanted(bytesOf) <= memoryBytes) return
    for (const each of all) if (each !== shelf) each.shrink(each.atLeast, 0)
  }
}

const bytesOf = ({ plan }: Shelf, count: number): number => waitingBytes(plan.boundary) * count
const mebibytes = (bytes: number): number => Math.round(bytes / 1024 ** 2)
