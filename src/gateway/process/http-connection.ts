/** One connection that speaks HTTP: its clocks, its counts, and the one way to the host that it has at a time. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { NetworkRule } from '../../plan/index.js'
import type { Attempted } from './attempted.js'
import { HostAgent, Unreachable } from './host-agent.js'
import type { Incoming } from './incoming.js'
import { type Meter, openMeter } from './meter.js'
import type { Pouring } from './pour.js'
import { type Reached, reach } from './reach.js'
import { reset } from './reset.js'

/** Requests that may be sent ahead of their answers. */
const MAX_AHEAD = 16
/** How long, and how much, of a body is still read when its request was answered already, so that the answer arrives. */
const DRAIN_MS = 1000
const DRAIN_BYTES = 1 << 20

/** The way to the host under one rule, until another rule decides. */
export interface Way {
  readonly rule: NetworkRule
  readonly meter: Meter
  readonly agent: HostAgent
  /** what came of the last dial */
  reached: Reached | null
  dialling: boolean
}

export class HttpConnection {
  readonly #client: Socket
  readonly #forget: () => void
  #way: Way | null = null
  #pending = 0
  #owed = 0
  /** resolves when the client is gone and nothing is owed */
  readonly concluded: Promise<void>
  #concluded: () => void = () => {}
  #requests = 0
  #closed = false
  #tunnel: Pouring | null = null
  #turn: Promise<void> | null = null
  /** of what the client sent, before the head that is waited for */
  #readBefore = 0
  #active: number
  #timer: NodeJS.Timeout

  constructor(readonly incoming: Incoming) {
    this.concluded = new Promise((resolve) => {
      this.#concluded = resolve
    })
    const { network, client } = incoming
    this.#client = client
    this.#active = network.now()
    this.#timer = setTimeout(() => this.#late(), network.plan.timeouts.headMs)
    this.#forget = network.whenEnded(() => this.#close())
    client.once('close', () => this.#close())
  }

  get protocol(): 'http' | 'https' {
    return this.incoming.secure === undefined ? 'http' : 'https'
  }

  /** The record of a request, before anything is decided. */
  what(request: IncomingMessage): Attempted {
    const { target, port } = this.incoming
    const { method = '', url = '' } = request
    return { protocol: this.protocol, target, port, method, path: url }
  }

  /** A request's head has come: from here on silence counts, not the head. */
  begin(request: IncomingMessage, response: ServerResponse): void {
    this.#pending += 1
    this.#requests += 1
    this.#clock()
    response.once('close', () => {
      this.#pending -= 1
      this.#clock()
      if (!request.complete) this.#drain(request)
    })
    if (this.#pending > MAX_AHEAD) reset(this.#client)
  }

  /** Requests were sent that have no whole answer yet. */
  get answering(): boolean {
    return this.#pending > 0
  }

  /** A request for a tunnel, sent before the answers to others: RFC 9110, 7.8 has nothing to say of it, so nothing more is read. */
  refuseAhead(request: IncomingMessage): void {
    const { network, rules } = this.incoming
    network.record({ ...this.what(request), verdict: 'denyRequest', rule: this.#way?.rule ?? rules[0] })
    reset(this.#client)
  }

  /** The parser gave up. */
  unreadable(error: NodeJS.ErrnoException): void {
    if (error.code === 'ECONNRESET' || this.#client.destroyed) return void this.#client.destroy()
    this.#record('denyRequest', error.code ?? 'EFAIL')
    if (this.#client.writable && this.#pending === 0)
      this.#client.write('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    this.#client.destroySoon()
  }

  /** Until `done` is called, the connection has something to put on record. */
  owes(): () => void {
    this.#owed += 1
    return () => {
      this.#owed -= 1
      this.#conclude()
    }
  }

  #conclude(): void {
    if (this.#closed && this.#owed === 0) this.#concluded()
  }

  /**
   * Requests go out in the order in which they came, by one connection: Node's pool would dial for each that is sent while the first
   * is dialled, and one that is held until its body is whole goes out late.
   * @param begin gives when it has its connection; `null`: it needs none
   */
  inTurn(begin: () => Promise<void> | null): void {
    const turn = this.#turn === null ? begin() : this.#turn.then(begin).then(() => {})
    if (turn === null) return
    this.#turn = turn
    void turn.then(() => {
      if (this.#turn === turn) this.#turn = null
    })
  }

  /** Bytes went by. */
  active(): void {
    this.#active = this.incoming.network.now()
  }

  /** `null`: the rule's budget has no connection left. */
  wayUnder(rule: NetworkRule, what: Attempted): Way | null {
    if (this.#way?.rule === rule) return this.#way
    this.leave()
    const { network, secure } = this.incoming
    const meter =
      secure === undefined ? openMeter(network.budgetOf(rule), network.budget) : secure.meterFor(rule)
    if (meter === null) return null
    const agent = new HostAgent(() => this.#dial(way, what))
    const way: Way = { rule, meter, agent, reached: null, dialling: false }
    this.#way = way
    return way
  }

  /** It speaks something else from here on, and keeps its own time. */
  becomes(pouring: Pouring): void {
    clearTimeout(this.#timer)
    this.#tunnel = pouring
  }

  /** The host's connection is not used again. `way`: only if it is this one still. */
  leave(way = this.#way): void {
    if (this.#way !== way) return
    this.#way = null
    way?.agent.destroy()
    if (way?.dialling === false) way.meter.close()
  }

  #close(): void {
    this.#closed = true
    this.#tunnel?.stop('ended')
    clearTimeout(this.#timer)
    this.#forget()
    this.leave()
    this.incoming.secure?.close()
    if (!this.#client.destroyed) reset(this.#client)
    this.#conclude()
  }

  /** A way that was left while it was being dialled counts until that is over, and then nothing goes by it. */
  async #dial(way: Way, what: Attempted): Promise<Socket> {
    if (this.#way !== way) throw new Unreachable()
    way.dialling = true
    const { network, port, secure } = this.incoming
    way.reached = await (secure?.reach(way.rule, what) ?? reach(network, way.rule, what, port))
    way.dialling = false
    if (this.#way !== way) {
      way.meter.close()
      way.reached.socket?.destroy()
      throw new Unreachable()
    }
    if (way.reached.socket === null) throw new Unreachable()
    return way.reached.socket
  }

  /** Between requests the next head has to come in time; within one, silence may last as long as the policy says. */
  #clock(): void {
    clearTimeout(this.#timer)
    if (this.#closed || this.#tunnel !== null) return
    this.active()
    this.#readBefore = this.#client.bytesRead
    const { headMs } = this.incoming.network.plan.timeouts
    this.#timer = this.#pending > 0 ? this.#idleTimer() : setTimeout(() => this.#late(), headMs)
  }

  #idleTimer(): NodeJS.Timeout {
    const { now, plan } = this.incoming.network
    const left = Math.max(1, this.#active + plan.timeouts.idleMs - now())
    return setTimeout(() => {
      if (now() - this.#active < plan.timeouts.idleMs) this.#timer = this.#idleTimer()
      else this.#late()
    }, left)
  }

  #late(): void {
    // a connection that was kept alive and that nobody used again is no attempt
    const unused = this.#pending === 0 && this.#requests > 0 && this.#client.bytesRead === this.#readBefore
    if (unused) return void this.#client.destroySoon()
    this.#record('denyTimeout')
    reset(this.#client)
  }

  /** An answer that is complete before its request: what is still to come is no next request. */
  #drain(request: IncomingMessage): void {
    const limit = this.#client.bytesRead + DRAIN_BYTES
    const timer = setTimeout(() => reset(this.#client), DRAIN_MS)
    this.#client.once('close', () => clearTimeout(timer))
    request.on('data', () => {
      if (this.#client.bytesRead > limit) reset(this.#client)
    })
    request.once('end', () => this.#client.destroySoon())
    request.resume()
  }

  #record(verdict: 'denyRequest' | 'denyTimeout', problem: string | null = null): void {
    const { network, target, port, rules } = this.incoming
    const rule = this.#way?.rule ?? rules[0]
    network.record({ protocol: this.protocol, target, port, verdict, rule, problem })
  }
}
