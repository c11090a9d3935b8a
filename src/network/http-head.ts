/** Reads the head of a request as strictly as RFC 9112 lets one: what two readers could take for two requests is refused. */

export interface RequestHead {
  readonly method: string
  /** the request target as it was sent */
  readonly url: string
  /** names and values in turn, as they were sent */
  readonly rawHeaders: readonly string[]
  /** `1.0` or `1.1` */
  readonly httpVersion: string
}

export interface Header {
  /** as it was sent */
  readonly name: string
  readonly lower: string
  /** without white space around */
  readonly value: string
}

/** How the end of the body is found (RFC 9112, 6.3). */
export type Framing =
  | { readonly kind: 'none' | 'chunked' }
  | { readonly kind: 'length'; readonly value: string }

export interface ReadHead {
  readonly method: string
  readonly target: RequestTarget
  readonly headers: readonly Header[]
  readonly framing: Framing
  /** names that go no further than this hop, lower-case */
  readonly hop: ReadonlySet<string>
  /** the protocols that it asks to go on with; empty: none */
  readonly upgrade: readonly string[]
}

export type RequestTarget =
  | { readonly kind: 'origin'; readonly path: string; readonly query: string }
  | { readonly kind: 'absolute'; readonly authority: string; readonly path: string; readonly query: string }
  | { readonly kind: 'asterisk' }
  | { readonly kind: 'connect' }

export interface HeadFault {
  readonly status: 400 | 414 | 417 | 431 | 501 | 505
}

const MAX_HEADERS = 100
const MAX_HEADER_BYTES = 32_768
const MAX_TARGET_BYTES = 16_384

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** no CR, LF or NUL: a folded line (obs-fold) still has them, and a server behind may end the header there */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** What never goes on, whether or not `Connection` names it (RFC 9110, 7.6.1; RFC 9113, 8.2.2). */
const HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]
/** What a `Connection` that names it would take away between two readers: where the request ends, or for whom it is. */
const KEPT = ['host', 'content-length', 'transfer-encoding', 'authorization', 'cookie', 'expect']

export type Scheme = 'http' | 'https'

export function readHead(head: RequestHead, scheme: Scheme = 'http'): ReadHead | HeadFault {
  if (head.httpVersion !== '1.1' && head.httpVersion !== '1.0') return { status: 505 }
  if (!TOKEN.test(head.method) || head.method.length > 32) return { status: 400 }
  if (head.url.length > MAX_TARGET_BYTES) return { status: 414 }
  const target = readTarget(head.method, head.url, scheme)
  const headers = readHeaders(head.rawHeaders)
  if (target === null) return { status: 400 }
  if ('status' in headers) return headers

  const listed = listOf(headers, 'connection')
  if (listed.some((name) => !TOKEN.test(name) || KEPT.includes(name))) return { status: 400 }
  const framing = readFraming(headers, head.httpVersion)
  if ('status' in framing) return framing
  const expect = listOf(headers, 'expect')
  if (expect.length > 0 && (expect.join() !== '100-continue' || head.httpVersion === '1.0'))
    return { status: 417 }
  const upgrade = listed.includes('upgrade') && head.httpVersion === '1.1' ? listOf(headers, 'upgrade') : []
  return { method: head.method, target, headers, framing, hop: new Set([...HOP, ...listed]), upgrade }
}

function readHeaders(raw: readonly string[]): Header[] | HeadFault {
  if (raw.length > 2 * MAX_HEADERS) return { status: 431 }
  if (raw.length % 2 === 1) return { status: 400 }
  const headers: Header[] = []
  let bytes = 0
  for (let index = 0; index < raw.length; index += 2) {
    const [name = '', value = ''] = raw.slice(index, index + 2)
    bytes += name.length + value.length + 4
    if (bytes > MAX_HEADER_BYTES) return { status: 431 }
    if (!TOKEN.test(name) || !VALUE.test(value)) return { status: 400 }
    headers.push({ name, lower: name.toLowerCase(), value: value.replace(/^[\t ]+|[\t ]+$/g, '') })
  }
  return headers
}

/** RFC 9112, 6.1 and 6.3: of what is contradictory there, nothing is put right here. */
function readFraming(headers: readonly Header[], version: string): Framing | HeadFault {
  const lengths = headers.filter(({ lower }) => lower === 'content-length')
  const codings = headers.filter(({ lower }) => lower === 'transfer-encoding')
  const [length] = lengths
  const [coding] = codings
  if (lengths.length > 1 || codings.length > 1 || (length && coding)) return { status: 400 }
  if (coding !== undefined) {
    if (version === '1.0') return { status: 400 }
    return coding.value.toLowerCase() === 'chunked' ? { kind: 'chunked' } : { status: 501 }
  }
  if (length === undefined) return { kind: 'none' }
  return /^(0|[1-9]\d{0,14})$/.test(length.value) ? { kind: 'length', value: length.value } : { status: 400 }
}

/** RFC 9112, 3.2. */
function readTarget(method: string, url: string, scheme: Scheme): RequestTarget | null {
  if (method === 'CONNECT') return { kind: 'connect' }
  if (!/^[\x21-\x7e]+$/.test(url) || url.includes('#')) return null
  if (url === '*') return method === 'OPTIONS' ? { kind: 'asterisk' } : null
  if (url.startsWith('/')) return { kind: 'origin', ...split(url) }
  // only the connection's own: what is asked for over TLS does not go out in the clear, nor the other way round
  const [, named, authority, rest] = /^(https?):\/\/([^/?]+)(.*)$/i.exec(url) ?? []
  if (named?.toLowerCase() !== scheme || authority === undefined || rest === undefined) return null
  return { kind: 'absolute', authority, ...split(rest.startsWith('/') ? rest : `/${rest}`) }
}

function split(url: string): { path: string; query: string } {
  const at = url.indexOf('?')
  return at === -1 ? { path: url, query: '' } : { path: url.slice(0, at), query: url.slice(at) }
}

/** The members of a header that is a list, over all its lines, lower-case. */
function listOf(headers: readonly Header[], name: string): string[] {
  return headers
    .filter(({ lower }) => lower === name)
    .flatMap(({ value }) => value.split(','))
    .map((member) => member.replace(/^[\t ]+|[\t ]+$/g, '').toLowerCase())
    .filter((member) => member !== '')
}
