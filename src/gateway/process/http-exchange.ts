/** One request and its answer. */
import {
  type ClientRequest,
  type IncomingMessage,
  request as requestOf,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { RequestDenial, RequestVerdict } from '../../network/index.js'
import {
  type Answer,
  type Carrier,
  type Fields,
  isRefusal,
  OVER,
  type Refusal,
} from './credentials/carrier.js'
import { carry } from './credentials/later.js'
import { answerShortly, isPackedForTheHop, responseHeaders, unreachedStatus } from './http-answers.js'
import type { HttpConnection, Way } from './http-connection.js'
import { MAX_HEADER_BYTES, MAX_INTERIM } from './http-limits.js'
import { flow } from './pour.js'
import { reset } from './reset.js'

export type AllowedRequest = Extract<RequestVerdict, { verdict: 'allow' }>

export function refuseRequest(
  connection: HttpConnection,
  request: IncomingMessage,
  response: ServerResponse,
  { verdict, status, rule, hint = null }: RequestDenial & { readonly hint?: string | null },
): void {
  const { network, rules } = connection.incoming
  network.record({ ...connection.what(request), verdict, rule: rule ?? rules[0], hint })
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
  const { rule, outgoing } = judged
  const { method, path, headers } = outgoing
  const note = (refusal: Refusal) =>
    connection.incoming.network.record({ ...connection.what(request), ...recorded(refusal), rule })
  const carrier = carry(connection.incoming, { method, path, headers, version: 1, note })
  if (isRefusal(carrier)) return refuseRequest(connection, request, response, { ...carrier, rule })
  const exchange = new Exchange(connection, request, response, method, carrier, way)
  connection.inTurn(() => exchange.start(upgraded))
}

export type Upgraded = (
  way: Way,
  answer: Answer,
  host: Socket,
  head: Buffer,
  carrier: Carrier,
) => Promise<void>

const recorded = ({ verdict, hint }: Refusal) => ({ verdict, hint })

/** The request that the gateway writes itself. */
function outgoingRequest(way: Way, method: string, { head }: Carrier): ClientRequest {
  return requestOf({
    agent: way.agent,
    method,
    path: head.path,
    headers: head.headers.flat(),
    setHost: false,
    insecureHTTPParser: false,
    maxHeaderSize: MAX_HEADER_BYTES,
  })
}

class Exchange {
  #sent = 0
  #received = 0
  #concluded = false
  #outgoing: ClientRequest | null = null
  #gone: () => void = () => {}
  readonly #paid: () => void

  constructor(
    readonly connection: HttpConnection,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly method: string,
    readonly carrier: Carrier,
    readonly way: Way,
  ) {
    this.#paid = connection.owes()
  }

  /** Gives when it has its connection to the host, or needs none. */
  start(upgraded: Upgraded | undefined): Promise<void> | null {
    const { request, response, carrier } = this
    carrier.onEnd((refusal) => this.#stop(refusal))
    // it waited for its turn, and nobody for its answer
    if (response.destroyed) this.#conclude('allow', 'ECONNABORTED')
    if (this.#concluded) return null
    response.once('close', () => {
      if (!response.writableFinished) this.#outgoing?.destroy()
      this.#conclude('allow', response.writableFinished ? null : 'ECONNABORTED')
    })
    const gone = new Promise<void>((resolve) => {
      this.#gone = resolve
    })
    if (!carrier.holds && this.#open(upgraded) === null) return null
    // the body is asked for by whoever reads it: Node has answered `Expect` by then only if nobody listens for it
    if (request.headers.expect !== undefined) response.writeContinue()
    this.#body(upgraded)
    return gone
  }

  /** `null`: it does not go on */
  #open(upgraded: Upgraded | undefined): ClientRequest | null {
    const outgoing = outgoingRequest(this.way, this.method, this.carrier)
    outgoing.once('socket', () => this.#gone())
    this.#outgoing = outgoing
    outgoing.on('drain', () => this.request.resume())
    let interim = 0
    outgoing.on('information', () => {
      interim += 1
      if (interim > MAX_INTERIM) outgoing.destroy()
    })
    outgoing.on('upgrade', (answer: IncomingMessage, host: Socket, head: Buffer) => {
      if (upgraded !== undefined && !this.#concluded) {
        const carried = this.carrier.answer(101, upgradeHeaders(answer))
        if (!isRefusal(carried)) {
          this.#concluded = true
          return void upgraded(this.way, carried, host, head, this.carrier).then(this.#paid)
        }
        host.destroy()
        return this.#stop(carried)
      }
      // a host that changes the protocol although nobody asked
      host.destroy()
      this.#failed('EPROTO')
    })
    outgoing.on('response', (answer: IncomingMessage) => this.#answer(outgoing, answer))
    outgoing.on('error', (error: NodeJS.ErrnoException) => this.#failed(error.code ?? 'EFAIL'))
    if (this.#take('up', headBytes(this.method, this.carrier))) return outgoing
    this.#stop(OVER)
    return null
  }

  #body(upgraded: Upgraded | undefined): void {
    const { request, connection } = this
    request.on('data', (chunk: Buffer) => {
      connection.active()
      this.#up(chunk, false, upgraded)
    })
    request.on('end', () => this.#up(NOTHING, true, upgraded))
    // a body that breaks off is not passed on as a whole one
    request.on('error', () => this.#outgoing?.destroy())
  }

  #up(chunk: Buffer, last: boolean, upgraded: Upgraded | undefined) {
    const before = this.#outgoing
    if (this.#concluded || before?.destroyed || before?.writableEnded) return
    const piece = this.carrier.up(chunk, last)
    if (isRefusal(piece)) return this.#stop(piece)
    // a head that had to wait for its body is ready with the last of it
    const outgoing = before ?? (last ? this.#open(upgraded) : null)
    if (outgoing === null) return
    if (!this.#take('up', piece.length)) return this.#stop(OVER)
    if (piece.length > 0) flow(this.request, outgoing, piece)
    if (last) outgoing.end()
  }

  #answer(outgoing: ClientRequest, answer: IncomingMessage) {
    const { response, connection } = this
    if (response.destroyed || response.headersSent) return void outgoing.destroy()
    const { statusCode = 502, statusMessage } = answer
    if (isPackedForTheHop(answer.headers)) {
      outgoing.destroy()
      return this.#failed('EPROTO')
    }
    const carried = this.carrier.answer(statusCode, responseHeaders(answer.rawHeaders))
    if (isRefusal(carried)) return this.#stop(carried)
    const headers = carried.headers.flat()
    response.sendDate = false
    try {
      if (carried.reworded) response.writeHead(statusCode, headers)
      else response.writeHead(statusCode, statusMessage, headers)
    } catch {
      outgoing.destroy()
      return this.#failed('EPROTO')
    }
    if (!this.#take('down', headers.join('').length)) return this.#stop(OVER)
    const body = carried.body(answer)
    body.on('error', (error: Error) => {
      const refusal = answer.complete ? carried.failed(error) : null
      if (refusal === null) response.destroy()
      else this.#stop(refusal)
    })
    if (body !== answer) answer.on('error', () => response.destroy())
    body.on('data', (chunk: Buffer) => {
      connection.active()
      this.#down(carried, body, chunk, false)
    })
    response.on('drain', () => {
      connection.active()
      body.resume()
    })
    body.on('end', () => {
      // a host that breaks off in the middle: the job must not take it for the whole
      if (!answer.complete) response.destroy()
      else if (this.#down(carried, body, NOTHING, true)) response.end()
    })
  }

  /** `false`: nothing more goes on */
  #down(carried: Answer, body: Readable, chunk: Buffer, last: boolean): boolean {
    if (this.#concluded) return false
    const piece = carried.down(chunk, last)
    if (isRefusal(piece)) this.#stop(piece)
    else if (!this.#take('down', piece.length)) this.#stop(OVER)
    else {
      if (piece.length > 0) flow(body, this.response, piece)
      return true
    }
    return false
  }

  #take(direction: 'up' | 'down', bytes: number): boolean {
    if (!this.way.meter.take(direction, bytes)) return false
    if (direction === 'up') this.#sent += bytes
    else this.#received += bytes
    return true
  }

  #stop({ verdict, status, hint }: Refusal): void {
    if (this.#concluded) return
    this.#conclude(verdict, null, hint)
    this.connection.leave(this.way)
    // before the host's side is ended, whose end would end this one as if nothing were missing
    if (this.response.headersSent) reset(this.request.socket)
    else answerShortly(this.response, status, true)
    this.#outgoing?.destroy()
  }

  /** Before an answer there is a short one; after its beginning the connection breaks. */
  #failed(problem: string) {
    const { reached } = this.way
    if (this.#concluded) return
    if (reached !== null && reached.socket === null) {
      this.#conclude(reached.verdict, reached.problem)
      return answerShortly(this.response, unreachedStatus(reached.verdict), false)
    }
    this.#conclude('allow', problem)
    this.connection.leave(this.way)
    answerShortly(this.response, 502, false)
  }

  #conclude(
    verdict: Parameters<typeof this.connection.incoming.network.record>[0]['verdict'],
    problem: string | null = null,
    hint: string | null = null,
  ): void {
    if (this.#concluded) return
    this.#concluded = true
    this.#gone()
    this.carrier.done()
    this.connection.incoming.network.record({
      ...this.connection.what(this.request),
      verdict,
      rule: this.way.rule,
      address: this.way.reached?.address ?? null,
      sentBytes: this.#sent,
      receivedBytes: this.#received,
      problem,
      hint,
    })
    this.#paid()
  }
}

/** The protocol that the host agrees to, and what that needs (Sec-WebSocket-Accept …). */
const upgradeHeaders = ({ headers, rawHeaders }: IncomingMessage): Fields => [
  ['Upgrade', headers.upgrade ?? ''],
  ...responseHeaders(rawHeaders),
]

const NOTHING = Buffer.alloc(0)

const headBytes = (method: string, { head }: Carrier) =>
  method.length + head.path.length + head.headers.flat().join('').length
