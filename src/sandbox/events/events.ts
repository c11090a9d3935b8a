/** What a `Glovebox` tells of its runs, and to whom. */
import { type Policy, policySha256 } from '../../policy/index.js'
import { isAnyHeard, publish } from './channels.js'
import type { GloveboxEvent } from './event.js'
import { RunEvents, type Whose } from './run-events.js'
import { EventStream } from './stream.js'

export interface EventsOptions {
  /** that may be unread; what comes meanwhile is counted, and said by one `missed`. 10 000 if absent */
  readonly most?: number
}

const MOST = 10_000

export class Events {
  readonly #streams = new Set<EventStream>()
  readonly #digests = new WeakMap<Policy, string>()

  /** @throws UsageError for a number that makes no sense */
  stream({ most = MOST }: EventsOptions): EventStream {
    const stream = new EventStream(most, (left) => this.#streams.delete(left))
    this.#streams.add(stream)
    return stream
  }

  get areHeard(): boolean {
    return this.#streams.size > 0 || isAnyHeard()
  }

  /** `null`: nobody listens, and nothing of the run is told. So who hears of a run by a stream hears all of it. */
  ofRun(policy: Policy, whose: Omit<Whose, 'policySha256'>): RunEvents | null {
    if (!this.areHeard) return null
    const streams = [...this.#streams]
    return new RunEvents({ ...whose, policySha256: this.#digest(policy) }, (event: GloveboxEvent) => {
      for (const stream of streams) stream.push(event)
      publish(event)
    })
  }

  /** All was told. */
  close(): void {
    for (const stream of this.#streams) stream.close()
    this.#streams.clear()
  }

  #digest(policy: Policy): string {
    const digest = this.#digests.get(policy) ?? policySha256(policy)
    this.#digests.set(policy, digest)
    return digest
  }
}
