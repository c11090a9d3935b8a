/** One request and its answer on a stream of HTTP/2: each direction with its own end, its trailers and its count (gRPC uses all of it). */
import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import {
  type Http2Verdict,
  judgeHttp2,
  judgeTrailers,
  type RequestDenial,
  type Verdict,
} from '../../../network/index.js'
import type { NetworkRule } from '../../../plan/index.js'
import type { Attempted } from '../attempted.js'
import type { Incoming } from '../incoming.js'
import { flow } from '../pour.js'
import type { Http2Way } from './h2-way.js'

type Allowed = Extract<Http2Verdict, { verdict: 'allow' }>
type Fields = readonly (readonly [name: string, value: string])[]

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR } = constants

/** Answers that a host may send before the one that counts (1xx). */
const MAX_INTERIM = 16
const STATUS: Partial<Record<string, number>> = { allow: 502, denyUnresolved: 502, denyTimeout: 504 }

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
    void this.#pass(way, judged)
  }

  async #pass(way: Http2Way, { outgoing, expects }: Allowed): Promise<void> {
    const session = await way.session
    if (this.#stream.destroyed) return
    if (session === null || session.destroyed || session.closed) return this.#failed('ECONNRESET')
    if (!this.#take('up', sizeOf(outgoing.headers) + outgoing.path.length)) return this.#over()
    const whole = this.#stream.endAfterHeaders
    try {
      this.#out = session.request(
        {
          ...fieldsOf(outgoing.headers),
          ':method': outgoing.method,
          ':scheme': 'https',
          ':authority': outgoing.authority,
          ':path': outgoing.path,
        },
        { endStream: whole, waitForTrailers: !whole },
      )
    } catch (error) {
      return this.#failed((error as NodeJS.ErrnoException).code ?? 'EFAIL')
    }
    this.#listen(this.#out)
    if (expects) this.#stream.additionalHeaders({ ':status': 100 })
    if (!whole) this.#oneWay(this.#stream, this.#out, 'up')
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
    if (stream.destroyed || stream.headersSent) return out.close(NGHTTP2_CANCEL)
    const fields = answerFields(raw)
    if (!this.#take('down', sizeOf(fields))) return this.#over()
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
    if (!ends) this.#oneWay(out, stream, 'down')
  }

  /** The body, and what comes behind it. */
  #oneWay(
    from: ServerHttp2Stream | ClientHttp2Stream,
    to: ServerHttp2Stream | ClientHttp2Stream,
    direction: 'up' | 'down',
  ): void {
    let trailers: Fields = []
    from.once('trailers', (_headers, _flags, raw: unknown) => {
      const judged = judgeTrailers(raw as string[])
      if (judged === null || !this.#take(direction, sizeOf(judged)))
        return this.#breakOff('EPROTO', NGHTTP2_PROTOCOL_ERROR)
      trailers = judged
    })
    from.on('data', (chunk: Buffer) => {
      this.#connection.active()
      if (to.destroyed || to.writableEnded) return
      if (this.#take(direction, chunk.length)) flow(from, to, chunk)
      else this.#over()
    })
    to.on('drain', () => {
      this.#connection.active()
      from.resume()
    })
    from.once('end', () => {
      // one that was broken off ends too, as if nothing were missing
      if (from.rstCode === NGHTTP2_NO_ERROR && !from.aborted) to.end()
    })
    to.once('wantTrailers', () => {
      if (!to.destroyed) to.sendTrailers(fieldsOf(trailers))
    })
  }

  #take(direction: 'up' | 'down', bytes: number): boolean {
    if (this.#way?.meter.take(direction, bytes) !== true) return false
    if (direction === 'up') this.#sent += bytes
    else this.#received += bytes
    return true
  }

  #refuse({ verdict, status, rule }: RequestDenial) {
    const [first] = this.#connection.incoming.rules
    this.#record(verdict, rule ?? first, null)
    this.#answerShortly(status)
  }

  #over() {
    this.#conclude('denyBudget', null)
    this.#answerShortly(403)
    this.#out?.close(NGHTTP2_CANCEL)
  }

  /** Before an answer there is a short one; after its beginning the stream breaks. */
  #failed(problem: string) {
    const reached = this.#way?.reached ?? null
    if (reached?.socket === null) {
      this.#conclude(reached.verdict, reached.problem)
      return this.#answerShortly(STATUS[reached.verdict] ?? 403)
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
    if (stream.destroyed) return
    if (stream.headersSent) return stream.close(NGHTTP2_CANCEL)
    this.#answered = true
    stream.respond({ ':status': status }, { endStream: true, ...NO_DATE })
    // what is still to come of its body is not wanted (RFC 9113, 8.1)
    if (!stream.endAfterHeaders) stream.close(NGHTTP2_NO_ERROR)
  }

  #conclude(verdict: Verdict, problem: string | null): void {
    const way = this.#way
    if (way !== null) this.#record(verdict, way.rule, problem)
  }

  #record(verdict: Verdict, rule: Http2Way['rule'], problem: string | null): void {
    if (this.#onRecord) return
    this.#onRecord = true
    this.#connection.incoming.network.record({
      ...this.#what,
      verdict,
      rule,
      address: this.#way?.reached?.address ?? null,
      sentBytes: this.#sent,
      receivedBytes: this.#received,
      problem,
    })
  }
}

/** Another clock than its own is none of a job's business; Node knows the option, its types don't. */
const NO_DATE = { sendDate: false } as object

/** An offer of other ways to the same host would lead round the gateway. */
const NOT_ANSWERED: ReadonlySet<string> = new Set([
  'alt-svc',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

function answerFields(raw: readonly string[]): Fields {
  const fields: (readonly [string, string])[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = raw.slice(at, at + 2)
    if (!name.startsWith(':') && !NOT_ANSWERED.has(name)) fields.push([name, value])
  }
  return fields
}

/** As Node takes them: of several with one name a list, in their order. */
function fieldsOf(fields: Fields): OutgoingHttpHeaders {
  const all: OutgoingHttpHeaders = Object.create(null)
  for (const [name, value] of fields) {
    const known = all[name]
    all[name] = known === undefined ? value : [...(Array.isArray(known) ? known : [`${known}`]), value]
  }
  return all
}

const sizeOf = (fields: Fields) => fields.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
