/** HTTP over the engine's Unix socket: one connection a request, each bounded in time and size, each abortable. */
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { Duplex } from 'node:stream'
import { badAnswer, connectionProblem, refusal, tooSlow } from './problems.js'

/** An answer that is read whole is no longer than this, bytes. `GET /info` of a large engine is some 20 KiB. */
export const MAX_ANSWER = 4 * 1024 * 1024
/** Of a sentence. */
export const MAX_SENTENCE = 64 * 1024

export interface Ask {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** with the version in front, where it has one */
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[]>>
  /** sent as JSON, or as bytes with their type */
  readonly body?: object | { readonly type: string; readonly bytes: Uint8Array }
  /** until the head of the answer is there, and of one that is read whole until its end, ms */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** The head of an answer that is no refusal; its body is still to be read. */
export interface Answered {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: IncomingMessage
}

export class Transport {
  /** absolute path */
  readonly socket: string

  constructor(socket: string) {
    this.socket = socket
  }

  /** The answer, whole. @throws EngineError; the signal's reason when it was aborted */
  async whole(ask: Ask): Promise<{ headers: IncomingMessage['headers']; bytes: Buffer }> {
    const limit = new Limit(ask)
    try {
      const { headers, body } = await this.#head(ask, limit)
      return { headers, bytes: await read(body, MAX_ANSWER, what(ask)) }
    } catch (error) {
      throw limit.reason(error, this.socket)
    } finally {
      limit.clear()
    }
  }

  /** The head of an answer whose body comes when it comes; `signal` ends that too. */
  async head(ask: Ask): Promise<Answered> {
    const limit = new Limit(ask)
    try {
      const answered = await this.#head(ask, limit)
      limit.forget()
      answered.body.once('close', () => limit.clear())
      return answered
    } catch (error) {
      limit.clear()
      throw limit.reason(error, this.socket)
    }
  }

  /** The connection itself, from the engine's `101` on; `head`: what came with that. */
  async upgraded(ask: Ask): Promise<{ socket: Duplex; head: Buffer }> {
    const limit = new Limit(ask)
    try {
      return await this.#upgrade(ask, limit)
    } catch (error) {
      throw limit.reason(error, this.socket)
    } finally {
      limit.clear()
    }
  }

  async #head(ask: Ask, limit: Limit): Promise<Answered> {
    const body = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = this.#send(ask, limit, {})
      sent.on('response', resolve).on('error', reject)
      sent.on('upgrade', (_, socket) => {
        socket.destroy()
        reject(badAnswer(what(ask), 'the connection was taken over'))
      })
    })
    return checked(ask, body)
  }

  #upgrade(ask: Ask, limit: Limit): Promise<{ socket: Duplex; head: Buffer }> {
    return new Promise((resolve, reject) => {
      const sent = this.#send(ask, limit, { Connection: 'Upgrade', Upgrade: 'tcp' })
      sent.on('error', reject)
      sent.on('upgrade', (_, socket, head) => resolve({ socket, head }))
      sent.on('response', (body) =>
        checked(ask, body).then(() => {
          body.destroy()
          reject(badAnswer(what(ask), `status ${body.statusCode} instead of 101`))
        }, reject),
      )
    })
  }

  #send(ask: Ask, limit: Limit, headers: Readonly<Record<string, string>>): ClientRequest {
    const { type, bytes } = encoded(ask.body)
    const sent = request({
      socketPath: this.socket,
      method: ask.method,
      path: pathOf(ask),
      // no kept-alive connection: one that the engine closes meanwhile would fail the next request
      agent: false,
      signal: limit.signal,
      headers: {
        Host: 'docker',
        ...(type === null ? {} : { 'Content-Type': type }),
        'Content-Length': bytes.length,
        ...headers,
      },
    })
    sent.end(bytes)
    return sent
  }
}

/** How a request ends before its answer does: too late, or because the caller wants no more of it. */
class Limit {
  readonly #ask: Ask
  readonly #abort = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #caller = () => this.#abort.abort()
  #late = false

  constructor(ask: Ask) {
    this.#ask = ask
    ask.signal?.throwIfAborted()
    ask.signal?.addEventListener('abort', this.#caller)
    this.#timer = setTimeout(() => {
      this.#late = true
      this.#abort.abort()
    }, ask.timeoutMs)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Time no longer counts; the caller's signal still does. */
  forget(): void {
    clearTimeout(this.#timer)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#ask.signal?.removeEventListener('abort', this.#caller)
  }

  /** What an error that came of a request is to be called. */
  reason(error: unknown, socket: string): unknown {
    if (this.#ask.signal?.aborted === true) return this.#ask.signal.reason
    if (this.#late) return tooSlow(what(this.#ask), this.#ask.timeoutMs)
    return namedProblem(error, socket, what(this.#ask))
  }
}

/** Errors of sockets and of HTTP in the engine's terms; others as they are. */
export function namedProblem(error: unknown, socket: string, asked: string): unknown {
  const { code, message = '' } = error as NodeJS.ErrnoException
  return typeof code === 'string' && /^(E[A-Z]+|HPE_\w+)$/.test(code)
    ? connectionProblem(socket, asked, code, message)
    : error
}

/** For messages: without version and query, which nobody asked for. */
export function what({ method, path }: Ask): string {
  return `${method} ${path.replace(/^\/v[\d.]+/, '')}`
}

/** A status of 400 and more is the engine's own error, with a sentence. */
async function checked(ask: Ask, body: IncomingMessage): Promise<Answered> {
  const status = body.statusCode ?? 0
  if (status >= 200 && status < 300) return { status, headers: body.headers, body }
  throw refusal(what(ask), status, messageOf(await read(body, MAX_SENTENCE, what(ask))))
}

function messageOf(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    if (typeof message === 'string') return message
  } catch {
    // a proxy's page, or none at all
  }
  return text === '' ? 'it does not say why' : text
}

/** @throws EngineError when it is longer than `most` bytes */
export async function read(body: IncomingMessage, most: number, asked: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > most) throw badAnswer(asked, `it is longer than ${most} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** A connection that ended although there was more to come. */
export const CUT = Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' })

const MAX_LINE = 64 * 1024

/** Of an answer that goes on. @throws EngineError for a line that has no end */
export async function* lines(body: AsyncIterable<Buffer>, asked: string): AsyncIterable<Buffer> {
  let rest = Buffer.alloc(0)
  for await (const chunk of body) {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      if (end > 0) yield rest.subarray(0, end)
      rest = rest.subarray(end + 1)
    }
    if (rest.length > MAX_LINE) throw badAnswer(asked, `it has a line longer than ${MAX_LINE} bytes`)
  }
}

function encoded(body: Ask['body']): { type: string | null; bytes: Uint8Array } {
  if (body === undefined) return { type: null, bytes: Buffer.alloc(0) }
  if ('bytes' in body && body.bytes instanceof Uint8Array && 'type' in body)
    return { type: String(body.type), bytes: body.bytes }
  return { type: 'application/json', bytes: Buffer.from(JSON.stringify(body)) }
}

function pathOf({ path, query = {} }: Ask): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((each): [string, string] => [name, each]),
  )
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs)}`
}
