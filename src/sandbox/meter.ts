import { Readable } from 'node:stream'

export interface MeterEvents {
  /** more came out than `limits.output` allows; called once */
  readonly onTooMuch: () => void
  /** nothing came out for `noOutputMs`; called once */
  readonly onSilence: () => void
}

type Name = 'stdout' | 'stderr'
const NAMES: readonly Name[] = ['stdout', 'stderr']

/**
 * Counts what leaves a sandbox on both streams and cuts it at the limit. Silence is only what the job doesn't say: while
 * our own reader has something left to read, the clock starts anew.
 */
export class OutputMeter {
  readonly bytes = { stdout: 0, stderr: 0 }
  readonly stdout: Readable
  readonly stderr: Readable
  readonly #limit: number
  readonly #noOutputMs: number | null
  readonly #events: MeterEvents
  readonly #sources = new Map<Name, Readable>()
  #timer: NodeJS.Timeout | null = null
  #over = false
  #exceeded = false
  #draining = false

  constructor(limit: number, noOutputMs: number | null, events: MeterEvents) {
    this.#limit = limit
    this.#noOutputMs = noOutputMs
    this.#events = events
    this.stdout = this.#readable('stdout')
    this.stderr = this.#readable('stderr')
  }

  /** Lets `from` through, no faster than it is read; resolves at its end, or when its reader has gone. */
  connect(name: Name, from: Readable): Promise<void> {
    const to = this[name]
    this.#sources.set(name, from)
    from.on('error', () => {}) // its end is what counts
    if (from.closed) {
      to.push(null) // it had nothing to say
      return Promise.resolve()
    }
    if (to.destroyed) from.destroy()
    from.on('data', (chunk: Buffer) => {
      const wantsMore = this.#take(name, chunk)
      if (!wantsMore && !this.#draining) from.pause()
    })
    return new Promise((resolve) =>
      from.once('close', () => {
        to.push(null)
        resolve()
      }),
    )
  }

  /** The sandbox is gone: what its pipes still hold is little, and is taken whether or not anyone reads it. */
  drain(): void {
    this.#draining = true
    for (const from of this.#sources.values()) from.resume()
  }

  /** the command runs: silence counts from now */
  start(): void {
    this.#heard()
  }

  stop(): void {
    this.#over = true
    this.#disarm()
  }

  /** No sandbox will be connected any more: streams without one end. */
  close(): void {
    this.stop()
    for (const name of NAMES) if (!this.#sources.has(name)) this[name].push(null)
  }

  #readable(name: Name): Readable {
    return new Readable({
      read: () => {
        this.#sources.get(name)?.resume()
      },
      // a reader that went away: the job's next write is a broken pipe, as in any pipeline
      destroy: (error, done) => {
        this.#sources.get(name)?.destroy()
        done(error)
      },
    })
  }

  #take(name: Name, chunk: Buffer): boolean {
    const left = this.#limit - this.bytes.stdout - this.bytes.stderr
    const kept = chunk.length > left ? chunk.subarray(0, left) : chunk
    this.bytes[name] += kept.length
    this.#heard()
    if (kept.length < chunk.length) this.#tooMuch()
    return kept.length === 0 || this[name].push(kept)
  }

  #heard(): void {
    this.#disarm()
    if (this.#noOutputMs === null || this.#over) return
    this.#timer = setTimeout(() => {
      if (this.stdout.readableLength + this.stderr.readableLength > 0) this.#heard()
      else this.#events.onSilence()
    }, this.#noOutputMs)
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #tooMuch(): void {
    if (this.#exceeded) return
    this.#exceeded = true
    this.stop()
    this.#events.onTooMuch()
  }
}
