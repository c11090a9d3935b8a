/** The host of one inspected connection: dialled and verified ahead of the first request, and again when another rule decides. */
import type { SecureContext } from 'node:tls'
import type { NetworkRule } from '../../../plan/index.js'
import type { Attempted } from '../attempted.js'
import type { Incoming, SecureHost } from '../incoming.js'
import { type Meter, openMeter } from '../meter.js'
import type { Reached } from '../reach.js'
import { type Spoken, spoken } from './protocols.js'
import { reachSecurely, type SecurelyReached } from './secure-reach.js'

interface Ahead {
  readonly rule: NetworkRule
  meter: Meter | null
  reached: SecurelyReached | null
}

export class SecureWayTo implements SecureHost {
  readonly #incoming: Incoming
  readonly #roots: SecureContext
  #offered: readonly Spoken[]
  #ahead: Ahead | null = null
  #closed = false

  constructor(incoming: Incoming, offered: readonly Spoken[], roots: SecureContext) {
    this.#incoming = incoming
    this.#offered = offered
    this.#roots = roots
  }

  /** Connects, under the first rule, and gives what is spoken there. Where that fails, requests are told so. */
  async ahead(): Promise<Spoken> {
    const { network, target, port, rules } = this.#incoming
    const [rule] = rules
    const [preferred = 'http/1.1'] = this.#offered
    const meter = openMeter(network.budgetOf(rule), network.budget)
    // no request will be let by; each is told, and recorded
    if (meter === null) return this.#settle(preferred)
    const ahead: Ahead = { rule, meter, reached: null }
    this.#ahead = ahead
    ahead.reached = await this.#dial(rule, { protocol: 'tls', target, port })
    if (this.#closed) this.#drop(ahead)
    return this.#settle(ahead.reached.socket === null ? preferred : spoken(ahead.reached.socket.alpnProtocol))
  }

  meterFor(rule: NetworkRule): Meter | null {
    const { network } = this.#incoming
    if (this.#ahead?.rule !== rule) {
      // what is kept for another rule is not needed any more, or would count twice
      this.#unused()
      return openMeter(network.budgetOf(rule), network.budget)
    }
    const { meter } = this.#ahead
    this.#ahead.meter = null
    return meter ?? openMeter(network.budgetOf(rule), network.budget)
  }

  async reach(rule: NetworkRule, what: Attempted): Promise<Reached> {
    const ahead = this.#ahead
    this.#ahead = null
    if (ahead?.rule === rule && ahead.reached !== null && isUsable(ahead.reached)) return ahead.reached
    ahead?.reached?.socket?.destroy()
    return this.#dial(rule, what)
  }

  close(): void {
    this.#closed = true
    this.#unused()
  }

  /** The job was told this one: a host that speaks another when it is dialled again is none for it. */
  #settle(protocol: Spoken): Spoken {
    this.#offered = [protocol]
    return protocol
  }

  async #dial(rule: NetworkRule, what: Attempted): Promise<SecurelyReached> {
    const { network, port } = this.#incoming
    const reached = await reachSecurely(network, rule, what, port, this.#offered, this.#roots)
    if (reached.socket === null || this.#offered.includes(spoken(reached.socket.alpnProtocol))) return reached
    reached.socket.destroy()
    return { socket: null, verdict: 'allow', address: reached.address, problem: 'EPROTOCHANGED' }
  }

  #unused(): void {
    const ahead = this.#ahead
    this.#ahead = null
    if (ahead?.reached != null) this.#drop(ahead)
  }

  /** It was reached although nothing was asked: that is an attempt, too. */
  #drop({ rule, meter, reached }: Ahead): void {
    if (reached === null) return
    const { network, target, port } = this.#incoming
    meter?.close()
    const verdict = reached.socket === null ? reached.verdict : 'allow'
    const problem = reached.socket === null ? reached.problem : null
    network.record({ protocol: 'tls', target, port, verdict, rule, address: reached.address, problem })
    reached.socket?.destroy()
  }
}

/** A host may have given up waiting. */
function isUsable({ socket }: SecurelyReached): boolean {
  return socket === null || (!socket.destroyed && !socket.readableEnded && socket.writable)
}
