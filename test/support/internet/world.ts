/** The far side: a name server at 9.9.9.9, and the sites of a test's own module. Its argv: the folder, and that module or nothing. */
import { createSocket } from 'node:dgram'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttps, type ServerOptions } from 'node:https'
import { createServer as createNet, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as packet from 'dns-packet'
import type { Seen, Zone } from './index.js'

const [folder = '', sites = ''] = process.argv.slice(2)
const zone = JSON.parse(readFileSync(join(folder, 'zone.json'), 'utf8')) as Zone
const listening: Promise<void>[] = []

/** What a test's module has to play with. Every server listens on all addresses, and says who asked which. */
export interface World {
  /** bytes in, bytes out */
  tcp(port: number, serve: (socket: Socket, address: string) => void): void
  http(port: number, serve: RequestListener): void
  /** nothing begins before this has resolved */
  until(ready: Promise<void>): void
  https(port: number, options: ServerOptions, serve: RequestListener): void
}

function note(seen: Seen): void {
  appendFileSync(join(folder, 'seen'), `${JSON.stringify(seen)}\n`)
}

function plain(address = ''): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

function open(port: number, server: Server): void {
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => {})
    note({ kind: 'tcp', address: plain(socket.localAddress), port })
  })
  listening.push(new Promise((resolve) => server.listen(port, '::', 4096, resolve)))
}

const world: World = {
  tcp: (port, serve) =>
    open(
      port,
      createNet((socket) => serve(socket, plain(socket.localAddress))),
    ),
  until: (ready) => void listening.push(ready),
  http: (port, serve) => open(port, createHttp(serve)),
  https: (port, options, serve) => open(port, createHttps(options, serve)),
}

/** Answers as the zone says, each question the next one. Names that are not in it do not exist. */
const asked = new Map<string, number>()
const names = createSocket('udp4')
names.on('message', (message, from) => {
  const { id, questions } = packet.decode(message)
  const [question] = questions ?? []
  if (question === undefined) return
  const { name, type } = question
  note({ kind: 'dns', name, type })
  const turns = zone[name.toLowerCase()]
  const key = `${name.toLowerCase()} ${type}`
  const turn = asked.get(key) ?? 0
  asked.set(key, turn + 1)
  const addresses = turns?.[Math.min(turn, turns.length - 1)] ?? []
  const answers = addresses
    .filter((address) => (type === 'AAAA') === address.includes(':'))
    .map((data) => ({ type, name, ttl: 0, data }) as packet.Answer)
  const flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | (turns === undefined ? 3 : 0)
  const reply: packet.Packet = { type: 'response', id: id ?? 0, flags, questions: [question], answers }
  names.send(packet.encode(reply), from.port, from.address)
})
listening.push(new Promise((resolve) => names.bind(53, '9.9.9.9', resolve)))

if (sites !== '') (await import(pathToFileURL(sites).href)).default(world)
await Promise.all(listening)
writeFileSync(join(folder, 'ready'), '')
