import { Transform } from 'node:stream'

export interface MeterEvents {
  /** more came out than `limits.output` allows; called once */
  readonly onTooMuch: () => void
  /** nothing came out for `noOutputMs`; called once */
  readonly onSilence: () => void
}

/**
 * Counts what leaves a sandbox on both streams and cuts it at the limit. Silence is only what the job doesn't say: while
 * our own reader has something left to read, the clock starts anew.
 */
export class OutputMeter {
  readonly bytes = { stdout: 0, stderr: 0 }
  readonly stdout: Transform
  readonly stderr: Transform
  readonly #limit: number
  readonly #noOutputMs: number | null
  readonly #events: MeterEvents
  #timer: NodeJS.Timeout | null = null
  #over = false

  constructor(limit: number, noOutputMs: number | null, events: MeterEvents) {
    this.#limit = limit
    this.#noOutputMs = noOutputMs
    this.#events = events
    this.stdout = this.#through('stdout')
    this.stderr = this.#through('stderr')
  }

  /** the command runs: silence counts from now */
  start(): void {
    this.#heard()
  }

  stop(): void {
    this.#over = true
    this.#disarm()
  }

  #through(name: 'stdout' | 'stderr'): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        const left = this.#limit - this.bytes.stdout - this.bytes.stderr
        const kept = chunk.length > left ? chunk.subarray(0, left) : chunk
        this.bytes[name] += kept.length
        this.#heard()
        if (kept.length < chunk.length) this.#tooMuch()
        done(null, kept.length > 0 ? kept : undefined)
      },
    })
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
    if (this.#over) return
    this.stop()
    this.#events.onTooMuch()
  }
}
