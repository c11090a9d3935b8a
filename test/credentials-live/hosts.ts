/** Hosts with names under .test on this host's loopback, over TLS, by an authority that only a test's Glovebox believes. */
import type { IncomingHttpHeaders } from 'node:http'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { createServer, type ServerOptions } from 'node:https'
import { createServer as createTls, type TLSSocket } from 'node:tls'
import { FarSide } from '../egress/jobs.js'
import { TestAuthority } from '../gateway/inspect-tools.js'

/** A request that came through to a host, with all of its body. */
export interface Arrived {
  readonly version: string
  /** as the request says it */
  readonly host: string
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  readonly trailers: readonly string[]
}

export type Serve = (arrived: Arrived, response: Http2ServerResponse) => void | Promise<void>

export class Hosts {
  /** everything that came through, to any host */
  readonly arrived: Arrived[] = []
  readonly far = new FarSide()
  readonly #names: readonly string[]
  readonly #authority = new TestAuthority()
  readonly identity: { readonly key: string; readonly cert: string }

  constructor(...names: readonly string[]) {
    this.#names = names
    this.identity = this.#authority.sign([...names.map((name) => `DNS:${name}`), 'IP:127.0.0.1'])
  }

  /** of the authority, PEM: what a client outside has to believe */
  get authority(): string {
    return this.#authority.pem
  }

  get authorityFile(): string {
    return this.#authority.file
  }

  /** For `Glovebox.start`. */
  get network() {
    return {
      hosts: Object.fromEntries(this.#names.map((name) => [name, ['127.0.0.1']])),
      authorities: [this.#authority.pem],
      resolvers: ['127.0.0.1:9'],
    }
  }

  /** HTTP/1.1 and HTTP/2, the same for every name. @returns the port */
  serve(serve: Serve): Promise<number> {
    const server = createSecureServer({ ...this.identity, allowHTTP1: true }, (request, response) => {
      void this.#take(request, response, serve)
    })
    return this.far.serve(server as never)
  }

  /** HTTP/1.1 alone: what `prepare` does with the server is up to the test. */
  serveOld(prepare: (server: ReturnType<typeof createServer>) => void, options: ServerOptions = {}) {
    const server = createServer({ ...this.identity, ...options })
    prepare(server)
    return this.far.serve(server)
  }

  /** TLS, and what the test makes of the bytes in it. */
  serveRaw(onConnection: (socket: TLSSocket) => void): Promise<number> {
    return this.far.serve(createTls({ ...this.identity, ALPNProtocols: ['http/1.1'] }, onConnection))
  }

  async #take(request: Http2ServerRequest, response: Http2ServerResponse, serve: Serve): Promise<void> {
    const pieces: Buffer[] = []
    request.on('error', () => {})
    response.on('error', () => {})
    try {
      for await (const piece of request) pieces.push(piece as Buffer)
    } catch {
      return // it was taken back
    }
    const arrived: Arrived = {
      version: request.httpVersion,
      host: request.authority ?? request.headers.host ?? '',
      method: request.method,
      url: request.url,
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      body: Buffer.concat(pieces),
      trailers: request.rawTrailers,
    }
    this.arrived.push(arrived)
    await serve(arrived, response)
  }

  close(): void {
    this.far.close()
  }
}

/** The name that a request says, without its port. */
export const nameOf = ({ host }: Arrived) => host.replace(/:\d+$/, '')

/** A credential that the caller gives. */
export const given = (name: string, port: number, use: unknown, more: object = {}) => ({
  source: 'caller',
  hosts: [`${name}:${port}`],
  use,
  ...more,
})

/** Values that nobody else has, one for each name. */
export function secretsFor<Name extends string>(...names: readonly Name[]): Record<Name, string> {
  const pairs = names.map((name) => [name, `sk-${name.toLowerCase()}-${random()}`] as const)
  return Object.fromEntries(pairs) as Record<Name, string>
}

const random = () => Buffer.from(crypto.getRandomValues(new Uint8Array(18))).toString('base64url')
