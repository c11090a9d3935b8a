/** What the sandboxes of one `Glovebox` are started from, boundary by boundary. */
import type { Boundary, SandboxSource } from '../boundary/index.js'
import { UsageError } from '../errors/index.js'
import type { HostFacts } from '../host/index.js'
import type { Plan } from '../plan/index.js'
import type { BoundaryName } from '../policy/index.js'
import { closedError } from './closed.js'
import type { JobNetwork } from './job-network.js'
import { Room, requireKeepable, surroundings, type WarmLimits, WarmSource } from './pool/index.js'

export interface SourcesSettings {
  /** there will be one run: nothing is prepared for a second */
  readonly single: boolean
  /** of those that wait for jobs; `null`: none does */
  readonly warm: WarmLimits | null
}

/** What is to wait. */
export interface Kept {
  readonly plan: Plan
  readonly network: () => JobNetwork | null
  readonly count: number
}

/** Opened when first needed. */
export class Sources {
  readonly #single: boolean
  /** of those that wait, on all boundaries together; `null`: none does */
  readonly #room: Room | null
  readonly #open = new Map<BoundaryName, SandboxSource>()
  #closing: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor({ single, warm }: SourcesSettings) {
    this.#single = single
    this.#room = warm === null ? null : new Room(warm, surroundings)
  }

  of(boundary: Boundary, host: HostFacts): SandboxSource {
    const known = this.#open.get(boundary.name)
    if (known !== undefined) return known
    if (this.#isClosed) throw closedError()
    const opened = boundary.open(host, this.#single)
    const source = this.#room === null ? opened : new WarmSource(opened, this.#room)
    // what was started for the one run that there is, which turned out to be on another boundary
    if (this.#single) this.#closeAll()
    this.#open.set(boundary.name, source)
    return source
  }

  /** @throws UsageError when they may not, or can't, wait. @throws LaunchError when one does not come up */
  async keepWarm(boundary: Boundary, host: HostFacts, kept: Kept): Promise<void> {
    const { plan, count } = kept
    requireKeepable(plan, count)
    const source = this.of(boundary, host)
    if (!(source instanceof WarmSource))
      throw new UsageError(
        'warm.off',
        'This Glovebox keeps no sandboxes that wait.',
        'Start it with Glovebox.start({ warm: true }).',
      )
    await source.prepare?.(plan)
    await source.keep(plan, kept.network(), count)
  }

  #closeAll(): void {
    const closing = [...this.#open.values()].map((source) => source.close())
    this.#open.clear()
    this.#closing = Promise.all([this.#closing, ...closing])
  }

  /** Resolves when none of their sandboxes is left. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#closeAll()
    await this.#closing
  }
}
