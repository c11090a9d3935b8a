/** The connection to the host under one rule, for all streams that this rule decides. */
import { type ClientHttp2Session, connect } from 'node:http2'
import type { NetworkRule } from '../../../plan/index.js'
import type { Meter } from '../meter.js'
import type { Reached } from '../reach.js'
import { HOST_SESSION, SESSION_WINDOW } from './h2-limits.js'

export class Http2Way {
  ended = false
  /** what came of the dial */
  reached: Reached | null = null
  readonly session: Promise<ClientHttp2Session | null>
  #session: ClientHttp2Session | null = null

  constructor(
    readonly rule: NetworkRule,
    readonly meter: Meter,
    reach: () => Promise<Reached>,
  ) {
    this.session = reach().then((reached) => this.#begin(reached))
  }

  /** Nothing goes by it any more. */
  leave(): void {
    if (this.ended) return
    this.ended = true
    this.#session?.destroy()
    this.meter.close()
  }

  #begin(reached: Reached): ClientHttp2Session | null {
    this.reached = reached
    const { socket } = reached
    if (socket === null || this.ended) {
      socket?.destroy()
      this.leave()
      return null
    }
    // what it is connected to is decided: of this URL nothing is read but that it is https
    const session = connect('https://host.invalid', { ...HOST_SESSION, createConnection: () => socket })
    this.#session = session
    session.on('error', () => this.leave())
    session.once('goaway', () => {
      // streams under way go on; another connection is made for the next
      this.ended = true
      session.once('close', () => this.meter.close())
      session.close()
    })
    session.once('close', () => this.leave())
    session.once('remoteSettings', () => session.setLocalWindowSize(SESSION_WINDOW))
    return session
  }
}
