/** One request and its answer. */
import {
  type ClientRequest,
  type IncomingMessage,
  request as requestOf,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import type { RequestDenial, RequestVerdict } from '../../network/index.js'
import { answerShortly, responseHeaders } from './http-answers.js'
import type { HttpConnection, Way } from './http-connection.js'
import { MAX_HEADER_BYTES } from './http-limits.js'
import { flow } from './pour.js'
import { reset } from './reset.js'

export type AllowedRequest = Extract<RequestVerdict, { verdict: 'allow' }>

/** Answers that a host may send before the one that counts (1xx). */
const MAX_INTERIM = 16

export function refuseRequest(
  connection: HttpConnection,
  request: IncomingMessage,
  response: ServerResponse,
  { verdict, status, rule }: RequestDenial,
): void {
  const { network, rules } = connection.incoming
  network.record({ ...connection.what(request), verdict, rule: rule ?? rules[0] })
  // after a request that can be read in two ways nothing more is read
  answerShortly(response, status, verdict === 'denyRequest' || !response.shouldKeepAlive)
}

/** `upgraded`: what is done when the host agrees to go on with another protocol; absent: that ends it */
export function passRequest(
  connection: HttpConnection,
  request: IncomingMessage,
  response: ServerResponse,
  judged: AllowedRequest,
  upgraded?: Upgraded,
) {
  const way = connection.wayUnder(judged.rule, connection.what(request))
  if (way === null) {
    const { rule } = judged
    return refuseRequest(connection, request, response, { verdict: 'denyBudget', status: 403, rule })
  }
  new Exchange(connection, request, response, judged, way).start(upgraded)
}

export type Upgraded = (way: Way, answer: IncomingMessage, host: Socket, head: Buffer) => Promise<void>

/** The request that the gateway writes itself. */
function outgoingRequest(way: Way, { outgoing }: AllowedRequest): ClientRequest {
  return requestOf({
    agent: way.agent,
    method: outgoing.method,
    path: outgoing.path,
    headers: outgoing.headers.flat(),
    setHost: false,
    insecureHTTPParser: false,
    maxHeaderSize: MAX_HEADER_BYTES,
  })
}

class Exchange {
  #sent = 0
  #received = 0
  #concluded = false
  readonly #paid: () => void

  constructor(
    readonly connection: HttpConnection,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly judged: AllowedRequest,
    readonly way: Way,
  ) {
    this.#paid = connection.owes()
  }

  start(upgraded: Upgraded | undefined) {
    const { request, response } = this
    const outgoing = outgoingRequest(this.way, this.judged)
    if (!this.#take('up', headBytes(this.judged))) return this.#over(outgoing)
    let interim = 0
    outgoing.on('information', () => {
      interim += 1
      if (interim > MAX_INTERIM) outgoing.destroy()
    })
    outgoing.on('upgrade', (answer: IncomingMessage, host: Socket, head: Buffer) => {
      if (upgraded !== undefined) {
        this.#concluded = true
        return void upgraded(this.way, answer, host, head).then(this.#paid)
      }
      // a host that changes the protocol although nobody asked
      host.destroy()
      this.#failed('EPROTO')
    })
    outgoing.on('response', (answer: IncomingMessage) => this.#answer(outgoing, answer))
    outgoing.on('error', (error: NodeJS.ErrnoException) => this.#failed(error.code ?? 'EFAIL'))
    response.once('close', () => {
      if (!response.writableFinished) outgoing.destroy()
      this.#conclude('allow', response.writableFinished ? null : 'ECONNABORTED')
    })
    // the body is asked for by whoever reads it: Node has answered `Expect` by then only if nobody listens for it
    if (request.headers.expect !== undefined) response.writeContinue()
    this.#body(outgoing)
  }

  #body(outgoing: ClientRequest): void {
    const { request, connection } = this
    request.on('data', (chunk: Buffer) => {
      connection.active()
      if (outgoing.destroyed || outgoing.writableEnded) return
      if (!this.#take('up', chunk.length)) return this.#over(outgoing)
      flow(request, outgoing, chunk)
    })
    outgoing.on('drain', () => request.resume())
    request.on('end', () => outgoing.end())
    // a body that breaks off is not passed on as a whole one
    request.on('error', () => outgoing.destroy())
  }

  #answer(outgoing: ClientRequest, answer: IncomingMessage) {
    const { response, connection } = this
    if (response.destroyed || response.headersSent) return void outgoing.destroy()
    answer.on('error', () => response.destroy())
    const headers = responseHeaders(answer.rawHeaders)
    response.sendDate = false
    try {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers)
    } catch {
      outgoing.destroy()
      return this.#failed('EPROTO')
    }
    if (!this.#take('down', headers.join('').length)) return this.#over(outgoing)
    answer.on('data', (chunk: Buffer) => {
      connection.active()
      if (!this.#take('down', chunk.length)) return this.#over(outgoing)
      flow(answer, response, chunk)
    })
    response.on('drain', () => {
      connection.active()
      answer.resume()
    })
    answer.on('end', () => {
      // a host that breaks off in the middle: the job must not take it for the whole
      if (answer.complete) response.end()
      else response.destroy()
    })
  }

  #take(direction: 'up' | 'down', bytes: number): boolean {
    if (!this.way.meter.take(direction, bytes)) return false
    if (direction === 'up') this.#sent += bytes
    else this.#received += bytes
    return true
  }

  #over(outgoing: ClientRequest): void {
    this.#conclude('denyBudget')
    this.connection.leave(this.way)
    // before the host's side is ended, whose end would end this one as if nothing were missing
    if (this.response.headersSent) reset(this.request.socket)
    else answerShortly(this.response, 403, true)
    outgoing.destroy()
  }

  /** Before an answer there is a short one; after its beginning the connection breaks. */
  #failed(problem: string) {
    const { reached } = this.way
    if (this.#concluded) return
    if (reached !== null && reached.socket === null) {
      this.#conclude(reached.verdict, reached.problem)
      return answerShortly(this.response, STATUS[reached.verdict] ?? 403, false)
    }
    this.#conclude('allow', problem)
    this.connection.leave(this.way)
    answerShortly(this.response, 502, false)
  }

  #conclude(
    verdict: Parameters<typeof this.connection.incoming.network.record>[0]['verdict'],
    problem: string | null = null,
  ): void {
    if (this.#concluded) return
    this.#concluded = true
    this.connection.incoming.network.record({
      ...this.connection.what(this.request),
      verdict,
      rule: this.way.rule,
      address: this.way.reached?.address ?? null,
      sentBytes: this.#sent,
      receivedBytes: this.#received,
      problem,
    })
    this.#paid()
  }
}

const STATUS: Partial<Record<string, number>> = { allow: 502, denyUnresolved: 502, denyTimeout: 504 }

const headBytes = ({ outgoing }: AllowedRequest) =>
  outgoing.method.length + outgoing.path.length + outgoing.headers.flat().join('').length
