import { UsageError } from '../../errors/index.js'
import type { GloveboxEvent, MissedEvents } from './event.js'

export type StreamedEvent = GloveboxEvent | MissedEvents

/** One reader's events, from when it was made, as many as it may be behind. */
export class EventStream implements AsyncIterableIterator<StreamedEvent> {
  readonly #most: number
  readonly #onLeft: (stream: EventStream) => void
  readonly #unread: StreamedEvent[] = []
  readonly #readers: ((result: IteratorResult<StreamedEvent>) => void)[] = []
  #isOver = false

  /** @throws UsageError for a number that makes no sense */
  constructor(most: number, onLeft: (stream: EventStream) => void) {
    if (!Number.isSafeInteger(most) || most < 1)
      throw new UsageError('events.range', `most is ${most}, and has to be a whole number of at least 1.`)
    this.#most = most
    this.#onLeft = onLeft
  }

  /** Never waits: what its reader is too slow for is counted. */
  push(event: GloveboxEvent): void {
    if (this.#isOver) return
    const reader = this.#readers.shift()
    const last = this.#unread.at(-1)
    if (reader !== undefined) reader({ done: false, value: event })
    else if (this.#unread.length < this.#most) this.#unread.push(event)
    else if (last?.kind === 'missed') this.#unread[this.#unread.length - 1] = missed(last.count + 1)
    else this.#unread.push(missed(1))
  }

  /** There is no more than what is unread. */
  close(): void {
    this.#isOver = true
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined })
  }

  next(): Promise<IteratorResult<StreamedEvent>> {
    const value = this.#unread.shift()
    if (value !== undefined) return Promise.resolve({ done: false, value })
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#readers.push(resolve))
  }

  /** Its reader has left. */
  return(): Promise<IteratorResult<StreamedEvent>> {
    this.#unread.length = 0
    this.close()
    this.#onLeft(this)
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

const missed = (count: number): MissedEvents => ({ kind: 'missed', count })
