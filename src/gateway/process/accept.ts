/** One connection of a job: where it leads, which rules cover it, and what is spoken there. */
import type { Socket } from 'node:net'
import ipaddr from 'ipaddr.js'
import { type Denial, rulesFor } from '../../network/index.js'
import { held } from '../../plan/index.js'
import type { Attempted } from './attempted.js'
import { passHttp } from './http-later.js'
import type { Incoming } from './incoming.js'
import { answerNamesOn } from './names-tcp.js'
import { reset } from './reset.js'
import type { SandboxNetwork } from './sandbox-network.js'
import { passTcp } from './tcp.js'
import { passTls } from './tls.js'
import { passWeb } from './web.js'

const NAMES_PORT = 53

export function accept(network: SandboxNetwork, client: Socket) {
  network.accepted += 1
  client.on('error', () => {}) // a job may break its own connections; 'close' tells
  const [destination, port] = [client.localAddress, client.localPort]
  // it was broken before it was looked at
  if (destination === undefined || port === undefined) return client.destroy()
  const address = canonical(destination)
  const target = network.targetOf(address)
  const what: Attempted = { protocol: 'tcp', target: target ?? { kind: 'address', address }, port }
  if (!opened(network, client)) return refuse(network, client, what, 'denyBudget')
  if (address === network.plan.resolver && port === NAMES_PORT) return answerNamesOn(network, client)
  if (target === null) return refuse(network, client, what, 'denyUnknownName')
  const found = rulesFor(network.plan, target, port)
  if (found.verdict !== 'allow') return refuse(network, client, what, found.verdict)
  const incoming = { network, client, target, port, rules: found.rules, begun: [] }
  network.during(pass[found.protocol](incoming))
}

const pass: Record<'tls' | 'tcp' | 'http' | 'web', (incoming: Incoming) => Promise<void>> = {
  tls: passTls,
  tcp: passTcp,
  http: held('gateway-http') ? passHttp : passTcp,
  web: passWeb,
}

/** Counts it for the gateway and for the sandbox, until it is closed. */
function opened(network: SandboxNetwork, client: Socket): boolean {
  if (!network.total.open()) return false
  if (!network.budget.open()) {
    network.total.close()
    return false
  }
  const forget = network.whenEnded(() => reset(client))
  client.once('close', () => {
    forget()
    network.budget.close()
    network.total.close()
  })
  return true
}

function refuse(network: SandboxNetwork, client: Socket, what: Attempted, verdict: Denial): void {
  network.record({ ...what, verdict, rule: null })
  reset(client)
}

/** IPv4 comes as an IPv6 spelling of it, from a socket that takes both. */
function canonical(address: string): string {
  // as the kernel spells nearly all of them; parsing one takes a tenth of the whole connection's time
  const four = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1]
  if (four !== undefined) return four
  const parsed = ipaddr.process(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString()
}
