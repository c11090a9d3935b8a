/** One connection of a job that speaks HTTP/2, behind TLS that ended here: its clocks, its counts, and its ways to the host. */
import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { NetworkRule } from '../../../plan/index.js'
import type { Attempted } from '../attempted.js'
import type { Incoming } from '../incoming.js'
import { reset } from '../reset.js'
import { Http2Exchange, type Streams } from './h2-exchange.js'
import { JOB_SESSION, MAX_REQUESTS, tooManyCancelled } from './h2-limits.js'
import { Http2Way } from './h2-way.js'
import type { SecureWayTo } from './way-to.js'

/** Resolves when the connection is closed, and all that was asked on it is on record. */
export function passHttp2(incoming: Incoming, host: SecureWayTo): Promise<void> {
  return new Http2Connection(incoming, host).concluded
}

class Http2Connection implements Streams {
  readonly concluded: Promise<void>
  #concluded: () => void = () => {}
  readonly #host: SecureWayTo
  readonly #session: ServerHttp2Session
  readonly #ways = new Map<NetworkRule, Http2Way>()
  #open = 0
  #requests = 0
  #cancelled = 0
  #closed = false
  #active: number
  #timer: NodeJS.Timeout

  constructor(
    readonly incoming: Incoming,
    host: SecureWayTo,
  ) {
    const { network, client } = incoming
    this.concluded = new Promise((resolve) => {
      this.#concluded = resolve
    })
    this.#host = host
    this.#active = network.now()
    this.#timer = setTimeout(() => this.#late(), network.plan.timeouts.headMs)
    const session = performServerHandshake(client, JOB_SESSION) as ServerHttp2Session
    this.#session = session
    session.on('stream', (stream: ServerHttp2Stream, _headers: unknown, _flags: number, raw: unknown) =>
      this.#begin(stream, raw as string[]),
    )
    session.on('error', (error: NodeJS.ErrnoException) => this.#broken(error.code ?? 'EFAIL'))
    session.once('close', () => this.#close())
    client.once('close', () => this.#close())
  }

  /** Bytes went by. */
  active(): void {
    this.#active = this.incoming.network.now()
  }

  /** `null`: the rule's budget has no connection left. */
  wayUnder(rule: NetworkRule, what: Attempted): Http2Way | null {
    const known = this.#ways.get(rule)
    if (known !== undefined && !known.ended) return known
    const meter = this.#host.meterFor(rule)
    if (meter === null) return null
    const way = new Http2Way(rule, meter, () => this.#host.reach(rule, what))
    this.#ways.set(rule, way)
    return way
  }

  #begin(stream: ServerHttp2Stream, raw: readonly string[]): void {
    this.#open += 1
    this.#requests += 1
    this.active()
    const exchange = new Http2Exchange(this, stream, raw)
    exchange.concluded.then((cancelled) => {
      this.#open -= 1
      this.#cancelled += cancelled ? 1 : 0
      this.active()
      // a stream that is taken back at once costs its sender nothing (CVE-2023-44487)
      if (tooManyCancelled(this.#cancelled, this.#requests)) this.#broken('too many requests were taken back')
      this.#conclude()
    })
    exchange.start()
    if (this.#requests === MAX_REQUESTS) this.#session.close()
  }

  /** The parser gave up, or a flood. */
  #broken(problem: string): void {
    if (this.#closed) return
    const { network, target, port, rules } = this.incoming
    if (problem !== 'ECONNRESET')
      network.record({ protocol: 'https', target, port, verdict: 'denyRequest', rule: rules[0], problem })
    this.#close()
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    for (const way of this.#ways.values()) way.leave()
    this.#host.close()
    this.#session.destroy()
    reset(this.incoming.client)
    this.#conclude()
  }

  #conclude(): void {
    if (this.#closed && this.#open === 0) this.#concluded()
  }

  /** The first request has to come in time; from then on silence counts, which ends quietly what nobody uses. */
  #late(): void {
    const { network, target, port, rules } = this.incoming
    const { headMs, idleMs } = network.plan.timeouts
    const left = this.#active + (this.#requests === 0 ? headMs : idleMs) - network.now()
    if (left > 0) {
      this.#timer = setTimeout(() => this.#late(), left)
      return
    }
    if (this.#requests > 0 && this.#open === 0) return void this.#session.close(() => this.#close())
    network.record({ protocol: 'https', target, port, verdict: 'denyTimeout', rule: rules[0] })
    this.#close()
  }
}
