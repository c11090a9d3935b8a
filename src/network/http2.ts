/**
 * A request of HTTP/2, judged by the rules of clear HTTP: what RFC 9113 adds to a head is looked at here, and the rest is a head like any
 * other. nghttp2 refuses most of this before; it is not what is relied upon.
 */
import type { NetworkRule } from '../plan/index.js'
import { judgeRequest, OTHER_METHOD, OTHER_PATH, plainName, type RequestDenial } from './http.js'
import type { Target } from './rules.js'

/** A head of HTTP/2 as the gateway writes it. */
export interface OutgoingHead {
  readonly method: string
  readonly authority: string
  readonly path: string
  /** in order, lower-case names */
  readonly headers: readonly (readonly [name: string, value: string])[]
}

export type Http2Verdict =
  | {
      readonly verdict: 'allow'
      readonly rule: NetworkRule
      readonly outgoing: OutgoingHead
      /** it waits for word that its body is wanted */
      readonly expects: boolean
    }
  | RequestDenial

/** Of the connection in HTTP/1.1; a stream has none of its own (RFC 9113, 8.2.2). Written down by a downgrade, they are a second request. */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

const PSEUDO = [':method', ':scheme', ':authority', ':path'] as const

/** @param raw names and values in turn, as they were sent */
export function judgeHttp2(
  raw: readonly string[],
  target: Target,
  port: number,
  rules: readonly [NetworkRule, ...NetworkRule[]],
): Http2Verdict {
  const deny = (verdict: RequestDenial['verdict'], status: number): RequestDenial => ({
    verdict,
    status,
    rule: null,
  })
  const read = readPseudo(raw)
  if (read === null) return deny('denyRequest', 400)
  const { pseudo, fields } = read
  const [method, scheme, authority, path] = PSEUDO.map((name) => pseudo.get(name))
  // extended (RFC 8441) or not: a tunnel
  if (method === 'CONNECT' || pseudo.has(':protocol')) return deny('denyConnect', 405)
  if (method === undefined || scheme !== 'https' || path === undefined || pseudo.size > 4)
    return deny('denyRequest', 400)
  if (authority === undefined) return deny('denyHost', 400)
  // in this version a path is a path: an absolute form would be another authority (8.3.1)
  if (!path.startsWith('/') && !(path === '*' && method === 'OPTIONS')) return deny('denyRequest', 400)
  const te = fields.filter(([name]) => name === 'te')
  if (te.some(([, value]) => value !== 'trailers')) return deny('denyRequest', 400)
  if (fields.some(([name]) => name !== name.toLowerCase() || CONNECTION_SPECIFIC.has(name)))
    return deny('denyRequest', 400)
  // a Host that says the same says nothing; one that does not is the second host of this request
  const rest = fields.filter(([name, value]) => name !== 'te' && !(name === 'host' && value === authority))
  const rawHeaders = ['Host', authority, ...rest.flat()]
  const judged = judgeRequest(
    { method, url: path, rawHeaders, httpVersion: '1.1' },
    target,
    port,
    rules,
    'https',
  )
  if (judged.verdict !== 'allow') return judged
  const [[, host = ''] = [], ...headers] = judged.outgoing.headers
  const outgoing = {
    method,
    authority: host,
    path: judged.outgoing.path,
    headers: [
      ...headers.map(([name, value]) => [name.toLowerCase(), value] as const),
      ...(te.length === 0 ? [] : [['te', 'trailers'] as const]),
    ],
  }
  return { verdict: 'allow', rule: judged.rule, outgoing, expects: rest.some(([name]) => name === 'expect') }
}

/** `null`: two of a kind, or one behind a field (8.3). */
function readPseudo(raw: readonly string[]) {
  if (raw.length % 2 === 1) return null
  const pseudo = new Map<string, string>()
  const fields: (readonly [string, string])[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = raw.slice(at, at + 2)
    if (!name.startsWith(':')) fields.push([name, value])
    else if (pseudo.has(name) || fields.length > 0) return null
    else pseudo.set(name, value)
  }
  return { pseudo, fields }
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const MAX_TRAILERS = 32
const MAX_TRAILER_BYTES = 16_384

/**
 * What says where a message goes, who sends it or where it ends is decided by then, and is nothing for a trailer (RFC 9110, 6.5.1): a
 * server that adds trailers to the headers would see a request that nobody judged.
 */
const NEVER_TRAILERS: ReadonlySet<string> = new Set([
  ...CONNECTION_SPECIFIC,
  ...OTHER_METHOD,
  ...OTHER_PATH,
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'proxy-authorization',
  'set-cookie',
  'te',
  'trailer',
])

/** What goes on of the fields behind a body; `null`: they are none. */
export function judgeTrailers(raw: readonly string[]): (readonly [name: string, value: string])[] | null {
  if (raw.length % 2 === 1 || raw.length > 2 * MAX_TRAILERS) return null
  const fields: (readonly [string, string])[] = []
  let bytes = 0
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = raw.slice(at, at + 2)
    bytes += name.length + value.length
    if (!TOKEN.test(name) || !VALUE.test(value) || bytes > MAX_TRAILER_BYTES) return null
    if (NEVER_TRAILERS.has(plainName(name))) return null
    fields.push([name, value])
  }
  return fields
}
