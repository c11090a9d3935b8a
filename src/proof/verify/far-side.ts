/** Every other machine of the world that probes are tried in: one server that plays each, and writes down what it saw. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type Socket as Connection, createServer, type Server } from 'node:net'
import type { SecureScene, Seen, World, Zone } from '../probes/index.js'
import { NamesDecoy } from './names-decoy.js'
import type { DecoyAuthority } from './secure/decoy-authority.js'
import { SecureSite } from './secure/site.js'

/** Descriptors of the far side, which hold it. */
export interface WorldSockets {
  /** a name server's */
  readonly names: number
  /** at which datagrams are answered */
  readonly echoes: readonly [number, number]
  /** that hear connections to every address */
  readonly sites: readonly number[]
}

/** The near side's own addresses, as native/cell/world.c gives them. */
export const NEAR_ADDRESSES = ['10.99.0.2', 'fd99::2', '93.184.215.99', '2606:2800:21f::99'] as const

/** RFC 8446, 5.1: what TLS begins with */
const HANDSHAKE = 22

/** of what one connection brought, bytes: enough to tell what it was, and how much */
const MAX_KEPT = 8192

export interface LaidWorld extends World {
  remove(): Promise<void>
}

export async function layWorld(
  sockets: WorldSockets,
  canary: string,
  authority: DecoyAuthority,
): Promise<LaidWorld> {
  const secure = new SecureSite(authority)
  const names = new NamesDecoy(sockets.names, canary)
  const connections: (Seen['connections'][number] & { bytes: number; begun: Buffer })[] = []
  const open = new Set<Connection>()
  const site = (side: 'far' | 'host') => (connection: Connection) => {
    const address = (connection.localAddress ?? '').replace(/^::ffff:/, '')
    const seen = { side, address, port: connection.localPort ?? 0, bytes: 0, begun: Buffer.alloc(0) }
    connections.push(seen)
    open.add(connection)
    connection.on('error', () => {})
    connection.once('close', () => open.delete(connection))
    connection.on('data', function hear(part: Buffer) {
      if (seen.bytes === 0 && secure.scene !== null && part[0] === HANDSHAKE) {
        connection.off('data', hear).pause()
        connection.unshift(part)
        return secure.take(connection)
      }
      if (seen.bytes === 0) connection.write(answerOf(`${canary} ${side} ${address} ${seen.port} .`))
      seen.bytes += part.length
      if (seen.begun.length < MAX_KEPT)
        seen.begun = Buffer.concat([seen.begun, part.subarray(0, MAX_KEPT - seen.begun.length)])
    })
  }
  const servers = await Promise.all(sockets.sites.map((fd) => listening(createServer(site('far')), { fd })))
  const echoes = sockets.echoes.map((fd, index) => echo(fd, index === 0, canary))
  const services = new Map<number, Promise<Server>>()
  let last: Promise<unknown> = Promise.resolve()
  return {
    resolver: '9.9.9.9',
    echoes: ['9.9.9.10', '2620:fe::10'],
    echoPort: 443,
    own: [...NEAR_ADDRESSES],
    async service(port) {
      const running =
        services.get(port) ?? listening(createServer(site('host')), { port, host: '::', ipv6Only: false })
      services.set(port, running)
      await running
    },
    authority: authority.name,
    scene(zone: Zone, play, scene?: SecureScene) {
      const next = last.then(async () => {
        names.answer(zone)
        connections.length = 0
        secure.begin(scene ?? null)
        return play({
          get connections() {
            return connections
          },
          get questions() {
            return names.questions
          },
          get requests() {
            return secure.requests
          },
        })
      })
      last = next.catch(() => {})
      return next
    },
    async remove() {
      for (const connection of open) connection.destroy()
      for (const server of [...servers, ...(await Promise.all(services.values()))]) server.close()
      for (const socket of [names.socket, ...echoes]) socket.close()
    },
  }
}

/** Whatever was asked: HTTP for who speaks it, and a line for everyone. It ends with the asker. */
function answerOf(line: string): string {
  return `HTTP/1.1 200 OK\r\nConnection: close\r\nX-Decoy: ${line}\r\nContent-Length: 0\r\n\r\n`
}

async function listening(server: Server, where: object): Promise<Server> {
  server.listen(where)
  await once(server, 'listening')
  server.on('error', () => {})
  return server
}

function echo(fd: number, four: boolean, canary: string): Socket {
  const socket = createSocket(four ? 'udp4' : 'udp6')
  socket.on('error', () => {})
  socket.on('message', (_packet, from) => socket.send(canary, from.port, from.address))
  socket.bind({ fd })
  return socket
}
