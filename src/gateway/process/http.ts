/**
 * HTTP/1.1, clear or out of TLS that ended here. Node's own parser reads each request, `judgeRequest` says whether and as what it goes on, and Node writes it anew: no
 * byte of a head passes as it came, so there is nothing to smuggle in.
 */
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { judgeRequest } from '../../network/index.js'
import { HttpConnection } from './http-connection.js'
import { passRequest, refuseRequest } from './http-exchange.js'
import { MAX_HEADER_BYTES } from './http-limits.js'
import { upgradeOf } from './http-upgrade.js'
import type { Incoming } from './incoming.js'
import type { SandboxNetwork } from './sandbox-network.js'

const MAX_REQUESTS = 1000

/** Resolves when the connection is closed, and all that was asked on it is on record. */
export function passHttp(incoming: Incoming): Promise<void> {
  const { network, client, rules, begun } = incoming
  const upgrades = rules.some((rule) => rule.upgrade)
  const connection = new HttpConnection(incoming)
  connections.set(client, connection)
  for (const bytes of [...begun].reverse()) client.unshift(bytes)
  serverOf(network, upgrades).emit('connection', client)
  client.resume()
  return connection.concluded
}

const connections = new WeakMap<Duplex, HttpConnection>()
const servers = new WeakMap<SandboxNetwork, { plain?: Server; upgrading?: Server }>()

/** Of one sandbox, as its time limits are its own. It never listens: it is given connections. */
function serverOf(network: SandboxNetwork, upgrades: boolean): Server {
  const both = servers.get(network) ?? {}
  servers.set(network, both)
  const kind = upgrades ? 'upgrading' : 'plain'
  both[kind] ??= makeServer(upgrades)
  return both[kind]
}

function makeServer(upgrades: boolean): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    insecureHTTPParser: false,
    // whether there is exactly one Host is for judgeRequest to say
    requireHostHeader: false,
    // HttpConnection keeps the time: a server that does not listen checks none
    headersTimeout: 0,
    requestTimeout: 0,
    keepAliveTimeout: 0,
    noDelay: true,
  })
  server.maxRequestsPerSocket = MAX_REQUESTS
  server.timeout = 0
  server.on('request', onRequest)
  server.on('checkContinue', onRequest)
  server.on('checkExpectation', onRequest)
  server.on('connect', (request: IncomingMessage, socket: Duplex) => onTunnel(request, socket, []))
  // without this listener Node leaves an offer to upgrade aside, and the request is one like any other
  if (upgrades)
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      onTunnel(request, socket, [head]),
    )
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) =>
    connections.get(socket)?.unreadable(error),
  )
  return server
}

function judge(connection: HttpConnection, request: IncomingMessage) {
  const { target, port, rules, secure } = connection.incoming
  return judgeRequest(
    {
      method: request.method ?? '',
      url: request.url ?? '',
      rawHeaders: request.rawHeaders,
      httpVersion: request.httpVersion,
    },
    target,
    port,
    rules,
    secure === undefined ? 'http' : 'https',
  )
}

function onRequest(request: IncomingMessage, response: ServerResponse): void {
  const connection = connections.get(request.socket)
  if (connection === undefined) return void request.socket.destroy()
  connection.begin(request, response)
  const judged = judge(connection, request)
  if (judged.verdict === 'allow') passRequest(connection, request, response, judged)
  else refuseRequest(connection, request, response, judged)
}

/** CONNECT, or a request to upgrade: Node has handed the bare socket over. */
function onTunnel(request: IncomingMessage, socket: Duplex, begun: readonly Buffer[]) {
  const connection = connections.get(socket)
  if (connection === undefined) return void socket.destroy()
  // the answers before it have the socket still: where its own would begin, nobody could say, and Node throws
  if (connection.answering) return connection.refuseAhead(request)
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as Socket)
  response.once('finish', () => (socket as Socket).destroySoon())
  connection.begin(request, response)
  const judged = judge(connection, request)
  if (judged.verdict !== 'allow') return refuseRequest(connection, request, response, judged)
  if (judged.upgrade)
    return void passRequest(
      connection,
      request,
      response,
      judged,
      upgradeOf(connection, request, response, begun),
    )
  // an offer of h2c that is left aside, in a connection that could be upgraded: what follows would be its body
  if (begun.some(({ length }) => length > 0) || hasBody(request))
    return refuseRequest(connection, request, response, {
      verdict: 'denyUpgrade',
      status: 400,
      rule: judged.rule,
    })
  passRequest(connection, request, response, judged)
}

const hasBody = ({ headers }: IncomingMessage) =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
