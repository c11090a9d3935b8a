/** How many sandboxes of a plan should wait: as many as were asked for at once, lately. Pure but for the times that it is told. */

/** Who asks within so long asks at once, ms: about what making one takes. */
const AT_ONCE_MS = 100

export class Demand {
  readonly #memoryMs: number
  /** by the slot of time in which so many were asked for; the last ones */
  readonly #slots: { slot: number; count: number }[] = []

  /** @param memoryMs what was asked for longer ago counts no more */
  constructor(memoryMs: number) {
    this.#memoryMs = memoryMs
  }

  asked(nowMs: number): void {
    const slot = Math.floor(nowMs / AT_ONCE_MS)
    const last = this.#slots.at(-1)
    if (last?.slot === slot) last.count++
    else this.#slots.push({ slot, count: 1 })
    this.#forget(nowMs)
  }

  /** Between two slots at most: who asks at their border asks at once, too. */
  atOnce(nowMs: number): number {
    this.#forget(nowMs)
    let most = 0
    for (const [index, { slot, count }] of this.#slots.entries()) {
      const before = this.#slots[index - 1]
      most = Math.max(most, count + (before?.slot === slot - 1 ? before.count : 0))
    }
    return most
  }

  #forget(nowMs: number): void {
    const first = Math.floor((nowMs - this.#memoryMs) / AT_ONCE_MS)
    const kept = this.#slots.findIndex(({ slot }) => slot >= first)
    this.#slots.splice(0, kept === -1 ? this.#slots.length : kept)
  }
}
