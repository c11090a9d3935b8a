/** A host that agrees to go on with another protocol, under a rule that has `upgrade: true`: from there bytes pass as they come. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Answer, type Direction, isRefusal, type Refusal } from './credentials/carrier.js'
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
  return async (way, answer, host, head, carrier) => {
    let refusal: Refusal | null = null
    const refuse = (why: Refusal) => {
      refusal ??= why
      pouring.stop('ended')
    }
    const { tunnel } = answer
    const look = (direction: Direction, piece: Buffer, last: boolean) => {
      const looked = tunnel?.(direction, piece, last) ?? piece
      if (!isRefusal(looked)) return looked
      refuse(looked)
      return null
    }
    response.detachSocket(client)
    client.write(switching(answer))
    const { idleMs } = network.plan.timeouts
    const pouring = pour(client, host, way.meter, idleMs, network.now, null, tunnel === null ? null : look)
    carrier.onEnd(refuse)
    connection.becomes(pouring)
    for (const bytes of begun) pouring.send('up', bytes)
    pouring.send('down', head)
    const end = await pouring.end
    carrier.done()
    const { sentBytes, receivedBytes } = way.meter
    const address = way.reached?.address ?? null
    const why = refusal as Refusal | null
    network.record({
      ...connection.what(request),
      verdict: why?.verdict ?? VERDICT_OF[end],
      hint: why?.hint ?? null,
      rule: way.rule,
      address,
      sentBytes,
      receivedBytes,
    })
  }
}

/** The host's 101 as the gateway writes it. */
function switching({ headers }: Answer): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}`)
  return ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', ...lines, '', ''].join('\r\n')
}
