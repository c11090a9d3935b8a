/** A host that speaks TLS: it writes down each request, and answers as the scene says. */
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import type { SecureScene, SeenRequest } from '../../probes/index.js'
import type { DecoyAuthority } from './decoy-authority.js'

const MAX_KEPT = 64 << 10

export class SecureSite {
  readonly #server
  #requests: SeenRequest[] = []
  #scene: SecureScene | null = null

  constructor(authority: DecoyAuthority) {
    this.#server = createSecureServer({
      allowHTTP1: true,
      SNICallback: (name, done) => done(null, authority.contextFor(name, this.#scene?.shows ?? 'good')),
    })
    this.#server.on('request', (request, response) => void this.#serve(request, response))
    for (const event of ['sessionError', 'tlsClientError', 'clientError'] as const)
      this.#server.on(event, () => {})
  }

  /** `null`: until the next one nobody speaks TLS. What was asked before is forgotten. */
  begin(scene: SecureScene | null): void {
    this.#scene = scene
    this.#requests = []
  }

  get scene(): SecureScene | null {
    return this.#scene
  }

  get requests(): readonly SeenRequest[] {
    return this.#requests
  }

  /** What it has sent already was put back. */
  take(connection: Socket): void {
    this.#server.emit('connection', connection)
  }

  async #serve(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const scene = this.#scene
    const requests = this.#requests
    const parts: Buffer[] = []
    let bytes = 0
    let whole = true
    try {
      for await (const part of request) {
        bytes += (part as Buffer).length
        if (bytes <= MAX_KEPT) parts.push(part as Buffer)
      }
    } catch {
      whole = false
    }
    const seen: SeenRequest = { ...headOf(request), body: Buffer.concat(parts), bytes, whole }
    requests.push(seen)
    if (scene === null || response.destroyed) return
    const { headers = [], pieces } = scene.answer(seen)
    for (const [name, value] of headers) response.setHeader(name, value)
    for await (const piece of pieces) if (!response.destroyed) response.write(piece)
    response.end()
  }
}

function headOf(request: Http2ServerRequest): Omit<SeenRequest, 'body' | 'bytes' | 'whole'> {
  const raw = request.rawHeaders
  const headers: [string, string][] = []
  for (let at = 0; at < raw.length; at += 2) headers.push([raw[at]?.toLowerCase() ?? '', raw[at + 1] ?? ''])
  return {
    authority: request.headers[':authority'] ?? request.headers.host ?? '',
    method: request.method,
    path: request.url,
    headers,
  }
}
