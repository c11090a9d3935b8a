/** SIGHUP, SIGINT and SIGTERM sent to us: the first one reaches the job, a second one ends the sandbox. */

const PASSED = [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const

const SIGNAL_BASE = 128

/** How long our readers get to take the rest when a person wants us gone, ms. */
const LAST_MS = 200

export class PassedSignals {
  /** aborted with the number of the signal that ended the sandbox */
  readonly cancel = new AbortController()
  #send: ((signal: number) => void) | null = null
  #sent = false

  constructor() {
    for (const [name, number] of PASSED) process.on(name, () => this.#pass(number))
  }

  /** the command runs and can be sent signals */
  readonly onStarted = (send: (signal: number) => void): void => {
    this.#send = send
  }

  /**
   * The sandbox is gone: a signal is for us now. True once all was `shown`; false when a person does not wait for a
   * reader who takes nothing.
   */
  async outlast(shown: Promise<unknown>): Promise<boolean> {
    this.#send = null
    const { signal } = this.cancel
    const givenUp = new Promise<false>((resolve) => {
      const late = () => setTimeout(resolve, LAST_MS, false).unref()
      if (signal.aborted) late()
      else signal.addEventListener('abort', late)
    })
    return Promise.race([shown.then(() => true), givenUp])
  }

  #pass(number: number): void {
    if (this.#send === null || this.#sent) this.cancel.abort(number)
    else this.#send(number)
    this.#sent = true
  }
}

/** The same signals for a command that has no job to pass them to: the first ends it cleanly, a second one at once. */
export class EndingSignals {
  readonly ended = new AbortController()
  /** as a shell has it, once ended */
  exitCode = 0

  constructor() {
    for (const [name, number] of PASSED) process.on(name, () => this.#end(SIGNAL_BASE + number))
  }

  #end(exitCode: number): void {
    if (this.ended.signal.aborted) process.exit(exitCode)
    this.exitCode = exitCode
    this.ended.abort()
  }
}
