import { Agent, type ClientRequestArgs } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Why it can't be reached is on record by then. */
export class Unreachable extends Error {}

/** Node's pool, of one connection: to a host that was dialled for one client and one rule. */
export class HostAgent extends Agent {
  readonly #dial: () => Promise<Socket>

  constructor(dial: () => Promise<Socket>) {
    super({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 })
    this.#dial = dial
  }

  override createConnection(
    _options: ClientRequestArgs,
    done?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    // with an error there is no stream, which the types can't say
    const failed = done as ((error: Error) => void) | undefined
    this.#dial().then(
      (socket) => done?.(null, socket),
      (error: Error) => failed?.(error),
    )
  }
}
