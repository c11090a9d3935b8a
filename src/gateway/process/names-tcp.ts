/** The resolver over TCP: messages with their length before them (RFC 7766), one after the other. */
import type { Socket } from 'node:net'
import { answerQuery } from '../../network/index.js'
import { reset } from './reset.js'
import type { SandboxNetwork } from './sandbox-network.js'
import { zoneOf } from './zone.js'

/** RFC 7766, 6.2.3 leaves it to the server; resolvers of programs ask at once. */
const IDLE_MS = 5000
/** A question for one name is never longer. */
const MAX_QUERY_BYTES = 4096
const MAX_QUERIES = 500

export function answerNamesOn(network: SandboxNetwork, client: Socket): void {
  const zone = zoneOf(network)
  let rest: Buffer = Buffer.alloc(0)
  let asked = 0
  const refuse = () => {
    zone.refused({ name: null, verdict: 'denyRequest' })
    reset(client)
  }
  const timer = setTimeout(() => reset(client), IDLE_MS)
  client.once('close', () => clearTimeout(timer))
  client.on('end', () => client.end())
  client.on('drain', () => client.resume())
  client.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 2) {
      const length = rest.readUInt16BE(0)
      if (length > MAX_QUERY_BYTES) return refuse()
      if (rest.length < 2 + length) return
      const { reply, refused } = answerQuery(rest.subarray(2, 2 + length), zone, 'tcp')
      rest = rest.subarray(2 + length)
      if (refused !== null) zone.refused(refused)
      asked += 1
      if (reply === null || asked > MAX_QUERIES) return refuse()
      // only a whole question wins time: bytes that trickle in do not
      timer.refresh()
      const head = Buffer.alloc(2)
      head.writeUInt16BE(reply.length)
      if (!client.write(Buffer.concat([head, reply]))) client.pause()
    }
  })
  client.resume()
}
