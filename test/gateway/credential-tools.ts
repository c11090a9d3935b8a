/** A host that says what it was sent, and repeats what it is told to; and credentials for it. */

import type { IncomingMessage } from 'node:http'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { type CredentialGrant, makePlaceholder } from '../../src/credentials/index.js'
import type { CredentialIssue } from '../../src/gateway/index.js'
import type { NetworkAttempt } from '../../src/report/index.js'
import { type Asked, askHttp1, askHttp2, type TestAuthority } from './inspect-tools.js'
import { type Heard, planOf, rule, Setting } from './setting.js'

export const VALUE = 'sk-live-4eC39HqLyjWDarjtT1zdp7dc'
export const OTHER_VALUE = 'tok_9b1f6f0e/+=&"zzQ7'
export const AWS = {
  kind: 'aws',
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'IQoJb3JpZ2luX2VjEXAMPLETOKEN==',
} as const
export const VERSIONS = { 'HTTP/1.1': askHttp1, 'HTTP/2': askHttp2 } as const
export type Version = keyof typeof VERSIONS

/** What the host was asked. */
export interface Said {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export class CredentialHost {
  readonly setting: Setting
  readonly said: Said[] = []
  /** requests whose head arrived, whole or not */
  heads = 0
  /** connections that are open */
  open = 0
  /** upgraded ones */
  tunnels = 0
  /** ends the answer to `/later` */
  later: (text: string) => void = () => {}
  host: Heard | null = null
  readonly #authority: TestAuthority

  constructor(authority: TestAuthority) {
    this.#authority = authority
    this.setting = new Setting({
      hosts: { 'good.test': ['127.0.0.1'], 'other.test': ['127.0.0.1'] },
      authorities: [authority.pem],
    })
  }

  async start(): Promise<void> {
    const identity = this.#authority.sign(['DNS:good.test', 'DNS:other.test'])
    const server = createSecureServer({ ...identity, allowHTTP1: true }, (request, response) =>
      this.#answer(request, response),
    )
    server.on('connection', (socket: Socket) => {
      this.open += 1
      socket.once('close', () => {
        this.open -= 1
      })
    })
    server.on('upgrade', (request: IncomingMessage, socket: Socket) => this.#upgraded(request, socket))
    this.host = await this.setting.serve(server)
  }

  get port(): number {
    return this.host?.port ?? 0
  }

  /** One for good.test, a bearer unless told otherwise. */
  issue(
    more: Partial<CredentialGrant> = {},
    value: CredentialIssue['value'] = { kind: 'value', value: VALUE },
  ) {
    return {
      grant: {
        name: 'TOKEN',
        hosts: [{ name: 'good.test', port: this.port }],
        use: { kind: 'bearer' },
        methods: null,
        paths: null,
        ttlMs: null,
        uses: null,
        onReflection: 'cut',
        ...more,
      },
      placeholder: makePlaceholder(),
      value,
      livesMs: null,
    } as CredentialIssue
  }

  get plan() {
    const inspected = (name: string) => rule(name, { [this.port]: 'tls' }, { inspect: true, upgrade: true })
    return planOf([inspected('good.test'), inspected('other.test')])
  }

  /** Asks with these credentials held; what came of it, and what is on record. */
  async asking(
    version: Version,
    issues: readonly CredentialIssue[],
    requests: readonly Asked[],
    name = 'good.test',
  ) {
    this.said.length = 0
    this.heads = 0
    const { setting, port } = this
    return setting.during(
      this.plan,
      async (attachment) => {
        const answers = await VERSIONS[version](setting.job, { port, ca: setting.authority, name }, requests)
        return { answers, attachment }
      },
      issues,
    )
  }

  #answer(request: Http2ServerRequest, response: Http2ServerResponse): void {
    this.heads += 1
    const parts: Buffer[] = []
    request.on('error', () => {})
    request.on('data', (chunk: Buffer) => parts.push(chunk))
    request.on('end', () => {
      // what was broken off ends too, in HTTP/2
      if (request.stream?.aborted) return
      const { method, url, headers } = request
      const body = Buffer.concat(parts).toString('latin1')
      this.said.push({ method, url, headers: { ...headers }, body })
      this.#repeat(new URL(url, 'https://good.test'), `${headers.authorization}`.slice(7), response)
    })
  }

  /** A socket that echoes, and says the token when it is asked for it. */
  #upgraded({ headers }: IncomingMessage, socket: Socket): void {
    const token = `${headers.authorization}`.slice(7)
    this.tunnels += 1
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    socket.on('data', (chunk: Buffer) => socket.write(`${chunk}` === 'token' ? `it is ${token}` : chunk))
    socket.on('close', () => {
      this.tunnels -= 1
    })
    socket.on('error', () => {})
  }

  /** What the path says of the bearer's token. */
  #repeat({ pathname, searchParams }: URL, token: string, response: Http2ServerResponse): void {
    const [, what = '', how = ''] = pathname.split('/')
    if (what === 'slow') return void response.write('begun')
    if (what === 'big') return void response.end('x'.repeat(8 << 20))
    if (what === 'later') {
      response.write('begun')
      this.later = (text) => response.end(text)
      return
    }
    if (what !== 'repeat') return void response.end(searchParams.get('say') ?? 'ok')
    if (how === 'head') {
      response.setHeader('x-echo', `you said ${token}`)
      return void response.end('ok')
    }
    if (how === 'trailers') {
      response.addTrailers({ 'grpc-message': `no ${token}` })
      return void response.end('message')
    }
    const text = Buffer.from(`before ${SPELLED[how]?.(token) ?? token} behind`, 'latin1')
    const packed = PACKED[how]
    if (packed !== undefined) {
      response.setHeader('content-encoding', how)
      return void response.end(packed(text))
    }
    if (how !== 'split') return void response.end(text)
    const middle = 7 + (token.length >> 1)
    response.write(text.subarray(0, middle))
    setTimeout(() => response.end(text.subarray(middle)), 100)
  }
}

export const SPELLED: Readonly<Record<string, (token: string) => string>> = {
  plain: (token) => token,
  percent: (token) => [...token].map((each) => `%${each.charCodeAt(0).toString(16)}`).join(''),
  base64: (token) => Buffer.from(`user:${token}`).toString('base64'),
  json: (token) => [...token].map((each) => `\\u00${each.charCodeAt(0).toString(16)}`).join(''),
}
export const PACKED: Readonly<Record<string, (text: Buffer) => Buffer>> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
}

/** Whether anything of what is on record holds the value, in whichever spelling a search would try. */
export function holdsValue(attempts: readonly NetworkAttempt[], value = VALUE): boolean {
  const text = JSON.stringify(attempts)
  return [value, value.toLowerCase(), ...Object.values(SPELLED).map((spell) => spell(value))].some((each) =>
    text.includes(each),
  )
}

/** As a search would look for it; of Base64, what it has at each alignment. */
const SPELLINGS = [
  VALUE,
  encodeURIComponent(VALUE),
  Buffer.from(VALUE).toString('hex'),
  ...[0, 1, 2].map((ahead) =>
    Buffer.from(`${' '.repeat(ahead)}${VALUE}`)
      .toString('base64')
      .slice(4, -5),
  ),
]

/** Whether what was heard has the value, as it is or wrapped once. */
export const holds = (text: string): boolean => SPELLINGS.some((each) => text.includes(each))
