/** A line on standard error that is written over, while a person waits; nothing where nobody looks. */
import { isatty } from 'node:tty'

const STDERR = 2
const START_OF_LINE = '\r'
const TO_END_OF_LINE = '\x1b[K'
const NARROWEST = 20
/** of a terminal that has no size of its own */
const USUAL = 80

export class Progress {
  readonly #shown: boolean
  #dirty = false

  constructor(quiet: boolean) {
    this.#shown = !quiet && isatty(STDERR) && process.env.TERM !== 'dumb'
  }

  show(
    { probe, status }: { readonly probe: string; readonly status: string },
    done: number,
    of: number,
  ): void {
    this.line(`glovebox: ${done} of ${of} probes  ${probe}${status === 'broken' ? '  BROKEN' : ''}`)
  }

  line(text: string): void {
    if (!this.#shown) return
    const width = Math.max(NARROWEST, (process.stderr.columns || USUAL) - 1)
    process.stderr.write(`${START_OF_LINE}${text.slice(0, width)}${TO_END_OF_LINE}`)
    this.#dirty = true
  }

  clear(): void {
    if (this.#dirty) process.stderr.write(`${START_OF_LINE}${TO_END_OF_LINE}`)
    this.#dirty = false
  }
}
