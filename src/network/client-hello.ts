import { canonicalWireName } from '../policy/index.js'
import { ByteReader } from './byte-reader.js'
import { TlsRecords } from './tls-records.js'
import type { Verdict } from './verdicts.js'

/** What a ClientHello says of where it wants to go. */
export interface Hello {
  /** canonical; `null`: it names none */
  readonly serverName: string | null
  /** it has an encrypted_client_hello of type outer, real or GREASE: the two can't be told apart (RFC 9849, 6.2) */
  readonly outerEch: boolean
  /** what it would speak inside (ALPN, RFC 7301), first the one it likes most; empty: it does not say */
  readonly protocols: readonly string[]
}

export type HelloState =
  | { readonly state: 'more' }
  | ({ readonly state: 'hello' } & Hello)
  | { readonly state: 'bad'; readonly why: string }

const CLIENT_HELLO = 1
const SERVER_NAME = 0
const ALPN = 16
const HOST_NAME = 0
/** RFC 9849; and the encrypted SNI of the drafts before it */
const ENCRYPTED = new Set([0xfe0d, 0xffce])
const INNER = 1

/**
 * Reads the ClientHello with which a connection begins, in whatever pieces it comes (RFC 8446, 4.1.2 and 5.1). What it was given is
 * not changed or kept for the caller, who passes it on as it came.
 */
export class ClientHelloReader {
  readonly #records = new TlsRecords()
  #end: HelloState | null = null

  /** What is known after these bytes; once it is `hello` or `bad`, it stays so, and more bytes are not looked at. */
  push(bytes: Uint8Array): HelloState {
    if (this.#end !== null) return this.#end
    const message = this.#records.push(bytes)
    if (message === null) return { state: 'more' }
    this.#end = typeof message === 'string' ? bad(message) : readHello(message)
    return this.#end
  }
}

/**
 * `name`: what was looked up; `null`: nothing was, the connection goes to an address.
 *
 * Browsers send a GREASE encrypted_client_hello to every host, so where the outer name is the one that was looked up, it passes: what
 * is hidden in it then goes to a host that the rule names.
 */
export function judgeHello(hello: Pick<Hello, 'serverName' | 'outerEch'>, name: string | null): Verdict {
  if (hello.serverName === name && (name !== null || !hello.outerEch)) return 'allow'
  if (hello.outerEch) return 'denyEncryptedHello'
  return hello.serverName === null ? 'denyNoServerName' : 'denyServerName'
}

function bad(why: string): HelloState {
  return { state: 'bad', why }
}

/** `message`: the whole handshake message, its four bytes of type and length included. */
function readHello(message: Uint8Array): HelloState {
  const reader = new ByteReader(message)
  if (reader.u8() !== CLIENT_HELLO) return bad('the first message is no ClientHello')
  reader.skip(3)
  const version = reader.u16()
  reader.skip(32)
  const session = reader.block(1)
  const ciphers = reader.block(2)
  const compressions = reader.block(1)
  const extensions = reader.atEnd ? new ByteReader(new Uint8Array()) : new ByteReader(reader.block(2))
  if (reader.overrun || !reader.atEnd) return bad('the lengths in the ClientHello do not add up')
  if (version < 0x0300 || version > 0x0303) return bad('the ClientHello has a version that TLS has not')
  if (session.length > 32 || ciphers.length < 2 || ciphers.length % 2 === 1 || compressions.length === 0)
    return bad('the ClientHello has lists that TLS has not')
  return readExtensions(extensions)
}

function readExtensions(reader: ByteReader): HelloState {
  const seen = new Set<number>()
  let serverName: string | null = null
  let outerEch = false
  let protocols: readonly string[] = []
  while (!reader.atEnd) {
    const type = reader.u16()
    const content = reader.block(2)
    if (reader.overrun) return bad('the lengths of the extensions do not add up')
    // two of a kind are forbidden (RFC 8446, 4.2): the one checked here need not be the one that the server reads
    if (seen.has(type)) return bad(`the ClientHello has two extensions of type ${type}`)
    seen.add(type)
    if (type === SERVER_NAME) {
      const answer = readServerName(content)
      if ('why' in answer) return bad(answer.why)
      serverName = answer.name
    }
    if (type === ALPN) protocols = readProtocols(content)
    if (ENCRYPTED.has(type)) {
      if (type === 0xfe0d && content[0] === INNER) return bad('an inner ClientHello stands in the clear')
      outerEch = true
    }
  }
  return { state: 'hello', serverName, outerEch, protocols }
}

/** One that is no list says nothing: whoever ends this TLS reads it again, and refuses it. */
function readProtocols(content: Uint8Array): string[] {
  const reader = new ByteReader(content)
  const list = new ByteReader(reader.block(2))
  const protocols: string[] = []
  while (!list.atEnd) protocols.push(Buffer.from(list.block(1)).toString('latin1'))
  return reader.overrun || list.overrun || !reader.atEnd ? [] : protocols
}

/** RFC 6066, 3: a list, which in practice and here has exactly one entry. */
function readServerName(content: Uint8Array): { name: string } | { why: string } {
  const reader = new ByteReader(content)
  const list = new ByteReader(reader.block(2))
  const type = list.u8()
  const host = list.block(2)
  if (reader.overrun || list.overrun || !reader.atEnd || !list.atEnd || type !== HOST_NAME)
    return { why: 'the server name is not a list of one host name' }
  const answer = canonicalWireName(Buffer.from(host).toString('latin1'))
  if ('what' in answer) return { why: `the server name ${answer.what.replace(/\.$/, '')}` }
  return answer.kind === 'name' ? { name: answer.name } : { why: 'the server name is an address' }
}
