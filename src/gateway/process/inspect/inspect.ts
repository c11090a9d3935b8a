/**
 * A connection whose TLS ends here. The host is connected to and verified first, so that the job is offered what the host speaks; then
 * the job's handshake is answered in the host's place, with a certificate of the sandbox's own authority.
 */

import type { SecureContext } from 'node:tls'
import type { Authority } from '../authority/authority.js'
import { passHttp } from '../http-later.js'
import type { Incoming } from '../incoming.js'
import { reset } from '../reset.js'
import { passHttp2 } from './h2-later.js'
import { answerHandshake } from './handshake.js'
import { type HelloSaid, offered } from './protocols.js'
import { SecureWayTo } from './way-to.js'

/** By what it is done. */
export interface Means {
  readonly authority: Authority
  /** in which hosts are verified */
  readonly roots: SecureContext
}

export async function passInspected(means: Means, incoming: Incoming, hello: HelloSaid): Promise<void> {
  const { network, client, target, port, rules } = incoming
  const what = { protocol: 'tls', target, port } as const
  const protocols = offered(hello)
  if (protocols.length === 0) {
    const problem = 'it offers no HTTP, by ALPN'
    network.record({ ...what, verdict: 'denyProtocol', rule: rules[0], problem })
    return reset(client)
  }
  const host = new SecureWayTo(incoming, protocols, means.roots)
  const protocol = await host.ahead()
  if (client.destroyed) return host.close()
  const context = means.authority.contextFor(target)
  const answered = await answerHandshake(incoming, context, protocol)
  if (answered.socket === null) {
    network.record({ ...what, verdict: answered.verdict, rule: rules[0], problem: answered.problem })
    host.close()
    return reset(client)
  }
  const inside = { ...incoming, client: answered.socket, begun: [], secure: host }
  await (protocol === 'h2' ? passHttp2(inside, host) : passHttp(inside))
}
