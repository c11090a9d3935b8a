import { held } from '../../plan/index.js'
import { readFirst } from './first-bytes.js'
import { passHttp } from './http-later.js'
import type { Incoming } from './incoming.js'
import { reset } from './reset.js'
import { passTcp } from './tcp.js'
import { passTls } from './tls.js'

/** ContentType handshake, RFC 8446 5.1: what no method of HTTP begins with. */
const HANDSHAKE = 22

/** TLS or HTTP, whichever the job begins with. */
export async function passWeb(incoming: Incoming): Promise<void> {
  const { network, client, target, port, rules } = incoming
  const first = await readFirst(client, network.plan.timeouts.headMs, (chunk) => ({ decided: chunk[0] }))
  if ('nothing' in first) {
    const verdict = first.nothing === 'late' ? 'denyTimeout' : 'denyProtocol'
    network.record({ protocol: 'tcp', target, port, verdict, rule: rules[0] })
    return reset(client)
  }
  const pass = first.decided === HANDSHAKE ? passTls : held('gateway-http') ? passHttp : passTcp
  await pass({ ...incoming, begun: first.begun })
}
