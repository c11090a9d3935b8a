/** One request and its answer on a stream of HTTP/2: each direction with its own end, its trailers and its count (gRPC uses all of it). */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import { type Http2Verdict, judgeHttp2, type RequestDenial, type Verdict } from '../../../network/index.js'
import type { NetworkRule } from '../../../plan/index.js'
import type { Attempted } from '../attempted.js'
import { type Carrier, isRefusal, OVER, type Refusal } from '../credentials/carrier.js'
import { carry } from '../credentials/later.js'
import { unreachedStatus } from '../http-answers.js'
import { MAX_INTERIM } from '../http-limits.js'
import type { Incoming } from '../incoming.js'
import { answerFields, fieldsOf, NO_DATE, sizeOf } from './h2-fields.js'
import { type OneWay, passOneWay, sendTrailers } from './h2-one-way.js'
import type { Http2Way } from './h2-way.js'
import { wholeBody } from './h2-whole.js'

type Allowed = Extract<Http2Verdict, { verdict: 'allow' }>

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR } = constants

/** The connection that a stream is one of. */
export interface Streams {
  readonly incoming: Incoming
  /** bytes went by */
  active(): void
  /** `null`: the rule's budget has no connection left */
  wayUnder(rule: NetworkRule, what: Attempted): Http2Way | null
}

export class Http2Exchange {
  /** resolves when it is on record: whether the job took it back before there was an answer */
  readonly concluded: Promise<boolean>
  #tellConcluded: (cancelled: boolean) => void = () => {}
  readonly #connection: Streams
  readonly #stream: ServerHttp2Stream
  readonly #raw: readonly string[]
  readonly #what: Attempted
  #way: Http2Way | null = null
  #carrier: Carrier | null = null
  #out: ClientHttp2Stream | null = null
  #sent = 0
  #received = 0
  #onRecord = false
  #answered = false

  constructor(connection: Streams, stream: ServerHttp2Stream, raw: readonly string[]) {
    this.#connection = connection
    this.#stream = stream
    this.#raw = raw
    const { target, port } = connection.incoming
    const of = (name: string) => raw[raw.indexOf(name) + 1] ?? ''
    this.#what = { protocol: 'https', target, port, method: of(':method'), path: of(':path') }
    this.concluded = new Promise((resolve) => {
      this.#tellConcluded = resolve
    })
  }

  start() {
    const stream = this.#stream
    stream.on('error', () => {}) // 'close' tells
    stream.once('close', () => {
      const cancelled = stream.rstCode !== NGHTTP2_NO_ERROR
      this.#out?.close(NGHTTP2_CANCEL)
      this.#conclude('allow', cancelled ? 'ECONNABORTED' : null)
      this.#tellConcluded(cancelled && !this.#answered)
    })
    const { target, port, rules } = this.#connection.incoming
    const judged = judgeHttp2(this.#raw, target, port, rules)
    if (judged.verdict !== 'allow') return this.#refuse(judged)
    const way = this.#connection.wayUnder(judged.rule, this.#what)
    if (way === null) return this.#refuse({ verdict: 'denyBudget', status: 403, rule: judged.rule })
    this.#way = way
    const { rule } = judged
    const note = (refusal: Refusal) =>
      this.#connection.incoming.network.record({ ...this.#what, ...refusal, rule })
    const carrier = carry(this.#connection.incoming, { ...judged.outgoing, version: 2, note })
    if (isRefusal(carrier)) return this.#refuse({ ...carrier, rule })
    this.#carrier = carrier
    carrier.onEnd((refusal) => this.#stop(refusal))
    void this.#pass(way, carrier, judged)
  }

  async #pass(way: Http2Way, carrier: Carrier, judged: Allowed): Promise<void> {
    const session = await way.session
    const stream = this.#stream
    if (stream.closed || stream.destroyed || this.#onRecord) return
    if (session === null || session.destroyed || session.closed) return this.#failed('ECONNRESET')
    if (judged.expects) stream.additionalHeaders({ ':status': 100 })
    if (carrier.holds) {
      const body = await wholeBody(stream, {
        look: (piece, last) => carrier.up(piece, last),
        isOver: () => this.#onRecord,
        active: () => this.#connection.active(),
        stop: (refusal) => this.#stop(refusal),
      })
      if (body === null || this.#onRecord) return
      const out = this.#open(session, carrier, judged, body.length === 0)
      if (out === null || body.length === 0) return
      if (!this.#take('up', body.length)) return this.#stop(OVER)
      out.once('wantTrailers', () => sendTrailers(out, []))
      out.end(body)
      return
    }
    const whole = stream.endAfterHeaders
    const out = this.#open(session, carrier, judged, whole)
    if (out === null || whole) return
    this.#oneWay('up', {
      from: stream,
      body: stream,
      to: out,
      look: (piece, last) => carrier.up(piece, last),
      trailers: (fields) => carrier.trailers(fields),
    })
  }

  /** `null`: it does not go on */
  #open(session: ClientHttp2Session, { head }: Carrier, { outgoing }: Allowed, whole: boolean) {
    if (!this.#take('up', sizeOf(head.headers) + head.path.length)) {
      this.#stop(OVER)
      return null
    }
    try {
      this.#out = session.request(
        {
          ...fieldsOf(head.headers),
          ':method': outgoing.method,
          ':scheme': 'https',
          ':authority': outgoing.authority,
          ':path': head.path,
        },
        { endStream: whole, waitForTrailers: !whole },
      )
    } catch (error) {
      this.#failed((error as NodeJS.ErrnoException).code ?? 'EFAIL')
      return null
    }
    this.#listen(this.#out)
    return this.#out
  }

  #listen(out: ClientHttp2Stream): void {
    let interim = 0
    out.on('headers', () => {
      interim += 1
      if (interim > MAX_INTERIM) out.close(NGHTTP2_PROTOCOL_ERROR)
    })
    out.once('response', (headers: IncomingHttpHeaders, flags: number, raw: unknown) => {
      const ends = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
      this.#answer(out, Number(headers[':status']), raw as string[], ends)
    })
    let problem: string | null = null
    out.on('error', (error: NodeJS.ErrnoException) => {
      problem = error.code ?? 'EFAIL'
    })
    out.once('close', () => {
      if (out.rstCode === NGHTTP2_NO_ERROR && this.#answered) return
      // a host that breaks off in the middle: the job must not take it for the whole
      if (this.#answered) this.#breakOff(problem ?? 'ECONNRESET', out.rstCode)
      else this.#failed(problem ?? 'ECONNRESET')
    })
  }

  #answer(out: ClientHttp2Stream, status: number, raw: readonly string[], ends: boolean) {
    const stream = this.#stream
    const carrier = this.#carrier
    if (stream.destroyed || stream.headersSent || carrier === null) return out.close(NGHTTP2_CANCEL)
    const carried = carrier.answer(status, answerFields(raw))
    if (isRefusal(carried)) return this.#stop(carried)
    const fields = carried.headers
    if (!this.#take('down', sizeOf(fields))) return this.#stop(OVER)
    this.#connection.active()
    try {
      stream.respond(
        { ...fieldsOf(fields), ':status': status },
        { endStream: ends, waitForTrailers: !ends, ...NO_DATE },
      )
    } catch {
      out.close(NGHTTP2_CANCEL)
      return this.#failed('EPROTO')
    }
    this.#answered = true
    if (ends) return
    const body = carried.body(out)
    if (body !== out) body.on('error', (error: Error) => this.#unreadable(carried.failed(error)))
    this.#oneWay('down', { from: out, body, to: stream, look: carried.down, trailers: carried.trailers })
  }

  /** A body that could not be unpacked. */
  #unreadable(refusal: Refusal | null): void {
    if (refusal === null || this.#out?.rstCode !== NGHTTP2_NO_ERROR)
      this.#breakOff('ECONNRESET', NGHTTP2_INTERNAL_ERROR)
    else this.#stop(refusal)
  }

  #oneWay(direction: 'up' | 'down', way: Pick<OneWay, 'from' | 'body' | 'to' | 'look' | 'trailers'>): void {
    passOneWay({
      ...way,
      isOver: () => this.#onRecord,
      active: () => this.#connection.active(),
      take: (bytes) => this.#take(direction, bytes),
      stop: (refusal) => this.#stop(refusal),
      breakOff: () => this.#breakOff('EPROTO', NGHTTP2_PROTOCOL_ERROR),
    })
  }

  #take(direction: 'up' | 'down', bytes: number): boolean {
    if (this.#way?.meter.take(direction, bytes) !== true) return false
    if (direction === 'up') this.#sent += bytes
    else this.#received += bytes
    return true
  }

  #refuse({ verdict, status, rule, hint = null }: RequestDenial & { readonly hint?: string | null }) {
    const [first] = this.#connection.incoming.rules
    this.#record(verdict, rule ?? first, null, hint)
    this.#answerShortly(status)
  }

  #stop({ verdict, status, hint }: Refusal) {
    if (this.#onRecord) return
    this.#conclude(verdict, null, hint)
    this.#answerShortly(status)
    this.#out?.close(NGHTTP2_CANCEL)
  }

  /** Before an answer there is a short one; after its beginning the stream breaks. */
  #failed(problem: string) {
    const reached = this.#way?.reached ?? null
    if (reached?.socket === null) {
      this.#conclude(reached.verdict, reached.problem)
      return this.#answerShortly(unreachedStatus(reached.verdict))
    }
    this.#conclude('allow', problem)
    this.#answerShortly(502)
  }

  #breakOff(problem: string, code: number | undefined) {
    this.#conclude('allow', problem)
    if (!this.#stream.destroyed) this.#stream.close(code || NGHTTP2_INTERNAL_ERROR)
    this.#out?.close(NGHTTP2_CANCEL)
  }

  /** That it does not go on, and nothing of why. */
  #answerShortly(status: number) {
    const stream = this.#stream
    if (stream.closed || stream.destroyed) return
    // CANCEL would be no error for every client: a part of an answer must not look like the whole
    if (stream.headersSent) return stream.close(NGHTTP2_INTERNAL_ERROR)
    this.#answered = true
    stream.respond({ ':status': status }, { endStream: true, ...NO_DATE })
    // what is still to come of its body is not wanted (RFC 9113, 8.1)
    if (!stream.endAfterHeaders) stream.close(NGHTTP2_NO_ERROR)
  }

  #conclude(verdict: Verdict, problem: string | null, hint: string | null = null): void {
    const way = this.#way
    if (way !== null) this.#record(verdict, way.rule, problem, hint)
  }

  #record(
    verdict: Verdict,
    rule: Http2Way['rule'],
    problem: string | null,
    hint: string | null = null,
  ): void {
    if (this.#onRecord) return
    this.#onRecord = true
    this.#carrier?.done()
    this.#connection.incoming.network.record({
      ...this.#what,
      verdict,
      rule,
      address: this.#way?.reached?.address ?? null,
      sentBytes: this.#sent,
      receivedBytes: this.#received,
      problem,
      hint,
    })
  }
}
