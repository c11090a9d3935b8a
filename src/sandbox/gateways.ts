import { type Gateway, startGateway } from '../gateway/index.js'
import type { HostFacts } from '../host/index.js'
import { InForce } from '../plan/index.js'

/** Of a `Glovebox`'s network. */
export interface NetworkOptions {
  /** name servers that the gateway asks, `address:port`; default this host's /etc/resolv.conf */
  readonly resolvers?: readonly string[]
  /** names with their addresses, which are then not asked for; default this host's /etc/hosts */
  readonly hosts?: Readonly<Record<string, readonly string[]>>
  /** PEM: authorities that the hosts of rules with `inspect: true` are believed by, besides those of this host's own bundle */
  readonly authorities?: readonly string[]
  /** whether all sandboxes share one gateway process, or those of each tenant have their own */
  readonly gateways?: 'shared' | 'perTenant'
}

/** The gateways of one `Glovebox`: started when first needed, and again when one has died. */
export class Gateways {
  readonly #host: HostFacts
  readonly #options: NetworkOptions
  readonly #inForce: InForce
  readonly #running = new Map<string | null, Gateway>()

  constructor(host: HostFacts, options: NetworkOptions, inForce = InForce.all) {
    this.#host = host
    this.#inForce = inForce
    this.#options = options
  }

  /** Tenants of one key share a gateway. */
  keyOf(tenant: string | null): string | null {
    return this.#options.gateways === 'perTenant' ? tenant : null
  }

  /** The one for this tenant's sandboxes. Those without a tenant have one of their own. */
  of(tenant: string | null): Gateway {
    const key = this.keyOf(tenant)
    const running = this.#running.get(key)
    if (running !== undefined && !running.ended) return running
    const started = startGateway({ ...this.#options, host: this.#host, leftOff: this.#inForce.leftOff })
    this.#running.set(key, started)
    return started
  }

  /** Ends them, and with them the network of every sandbox that still has one. */
  async close(): Promise<void> {
    await Promise.all([...this.#running.values()].map((gateway) => gateway.close()))
    this.#running.clear()
  }
}
