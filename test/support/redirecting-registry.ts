/** A registry that keeps its layers elsewhere, as the large ones do: whoever asks for one is sent to another host. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { TestImage } from './tarball.js'

export interface Redirecting {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** `127.0.0.2:PORT`, where it sends */
  readonly elsewhere: string
  /** what was asked of the other host */
  readonly asked: string[]
  /** for HOME */
  readonly home: string
}

export async function redirectingRegistry(
  t: TestContext,
  folder: string,
  image: TestImage,
): Promise<Redirecting> {
  const at = (name: string) => join(folder, name)
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', '/CN=registry.test', '-addext', 'subjectAltName=IP:127.0.0.1,IP:127.0.0.2'],
      ...['-keyout', at('key.pem'), '-out', at('ca.crt')],
    ],
    { stdio: 'ignore' },
  )
  const asked: string[] = []
  const blob = (digest: string) => image.files[`blobs/sha256/${digest}`] ?? Buffer.alloc(0)
  const other = await listening(t, at, '127.0.0.2', ({ url = '' }, response) => {
    asked.push(url)
    response.end(blob(url.slice(1)))
  })
  const first = await listening(t, at, '127.0.0.1', ({ url = '' }, response) => {
    const [, kind, name = ''] = /\/(manifests|blobs)\/(?:sha256:)?([^/]+)$/.exec(url) ?? []
    if (kind === 'blobs') response.writeHead(307, { location: `https://127.0.0.2:${other}/${name}` }).end()
    else if (kind === 'manifests')
      response
        .writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json' })
        .end(blob(image.digest.slice('sha256:'.length)))
    else response.writeHead(200, { 'docker-distribution-api-version': 'registry/2.0' }).end('{}')
  })
  const host = `127.0.0.1:${first}`
  const certificates = at(`home/.config/containers/certs.d/${host}`)
  mkdirSync(certificates, { recursive: true })
  execFileSync('cp', [at('ca.crt'), certificates])
  return { host, elsewhere: `127.0.0.2:${other}`, asked, home: at('home') }
}

async function listening(
  t: TestContext,
  at: (name: string) => string,
  address: string,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<number> {
  const [key, cert] = [readFileSync(at('key.pem')), readFileSync(at('ca.crt'))]
  const server: Server = createServer({ key, cert }, answer)
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  return (server.address() as AddressInfo).port
}
