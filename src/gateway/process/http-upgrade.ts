/** A host that agrees to go on with another protocol, under a rule that has `upgrade: true`: from there bytes pass as they come. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { responseHeaders } from './http-answers.js'
import type { HttpConnection } from './http-connection.js'
import type { Upgraded } from './http-exchange.js'
import { pour, VERDICT_OF } from './pour.js'

/** `begun`: what the job sent after its request, before the host had agreed */
export function upgradeOf(
  connection: HttpConnection,
  request: IncomingMessage,
  response: ServerResponse,
  begun: readonly Buffer[],
): Upgraded {
  const { network, client } = connection.incoming
  return async (way, answer, host, head) => {
    response.detachSocket(client)
    client.write(switching(answer))
    const pouring = pour(client, host, way.meter, network.plan.timeouts.idleMs, network.now)
    connection.becomes(pouring)
    for (const bytes of begun) pouring.send('up', bytes)
    pouring.send('down', head)
    const end = await pouring.end
    const { sentBytes, receivedBytes } = way.meter
    const address = way.reached?.address ?? null
    const verdict = VERDICT_OF[end]
    network.record({
      ...connection.what(request),
      verdict,
      rule: way.rule,
      address,
      sentBytes,
      receivedBytes,
    })
  }
}

/** The host's 101 as the gateway writes it: the protocol it agreed to, and what that needs (Sec-WebSocket-Accept …). */
function switching(answer: IncomingMessage): string {
  const kept = responseHeaders(answer.rawHeaders)
  const lines = kept.flatMap((text, at) => (at % 2 === 0 ? [`${text}: ${kept[at + 1] ?? ''}`] : []))
  const upgrade = answer.headers.upgrade ?? ''
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    `Upgrade: ${upgrade}`,
    ...lines,
    '',
    '',
  ].join('\r\n')
}
