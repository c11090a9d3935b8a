/** A sandbox's network, as the supervisor sees it. */
import { LaunchError, visible } from '../errors/index.js'
import { AttemptLog } from '../network/index.js'
import type { NetworkAttempt } from '../report/index.js'

export interface Attempts {
  /** each kind once, in the order of the first */
  readonly attempts: readonly NetworkAttempt[]
  /** how many are in none of them */
  readonly omitted: number
}

/** What is left to the supervisor of the sockets that it handed over. */
export interface Attachment {
  /** Closes the sandbox's network, and gives all that was tried. May be called again. */
  end(): Promise<Attempts>
  /** resolves when the gateway is gone: the sandbox has no network any more, nothing is open; never, when it outlives the sandbox */
  readonly lost: Promise<void>
}

/** The gateway's news of one sandbox, put together. */
export class AttachedSandbox implements Attachment {
  readonly lost: Promise<void>
  readonly #log = new AttemptLog()
  readonly #detach: (ended: Promise<void>) => void
  #omitted = 0
  #lose: () => void = () => {}
  #settle: { resolve(): void; reject(error: Error): void } | null = null
  #ended: () => void = () => {}
  readonly #end: Promise<void>
  #asked = false

  /** @param detach asks the gateway to end it; the promise resolves when it has */
  constructor(detach: (ended: Promise<void>) => void) {
    this.#detach = detach
    this.lost = new Promise((resolve) => {
      this.#lose = resolve
    })
    this.#end = new Promise((resolve) => {
      this.#ended = resolve
    })
  }

  /** Resolves when the gateway has taken every end. */
  taken(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  hearTaken(): void {
    this.#settle?.resolve()
  }

  hearRefused(why: string): void {
    this.#settle?.reject(
      new LaunchError(
        'gateway.refused',
        `The gateway could not take the sandbox's network: ${visible(why)}.`,
      ),
    )
  }

  /** What the gateway says was read from hostile bytes: the log bounds and counts it anew. */
  hearAttempts(attempts: readonly NetworkAttempt[], omitted: number): void {
    this.#omitted += omitted
    for (const { count, ...attempt } of attempts) this.#log.add(attempt, count)
  }

  hearEnded(): void {
    this.#ended()
  }

  hearLost(error: LaunchError): void {
    this.#settle?.reject(error)
    this.#lose()
    this.#ended()
  }

  async end(): Promise<Attempts> {
    if (!this.#asked) this.#detach(this.#end)
    this.#asked = true
    await this.#end
    return { attempts: this.#log.attempts, omitted: this.#omitted + this.#log.omitted }
  }
}
