/** The far side of the profiles' tests: the same sites for every address, told apart by the name that is asked for. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { extname, join, normalize } from 'node:path'
import type { World } from '../support/internet/world.js'

const { SITES = '/nowhere' } = process.env
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.json': 'application/json',
  '.png': 'image/png',
}
const REDIRECTS: Readonly<Record<string, string>> = {
  'redirect.test': 'http://169.254.169.254/latest/meta-data/',
  'github.com/moved': 'https://other.test/moved',
}

const serve: RequestListener = (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://any')
  const host = request.headers.host ?? ''
  const [, first = ''] = pathname.split('/')
  const moved = REDIRECTS[host] ?? REDIRECTS[`${host}/${first}`]
  const file = ['', '.json', '/index.html', '.html']
    .map((end) => join(SITES, 'www', host, normalize(pathname) + end))
    .find((path) => existsSync(path) && statSync(path).isFile())
  if (moved !== undefined) response.writeHead(302, { location: moved + (request.url ?? '') }).end()
  else if (first === 'octocat') gitServer(request, response)
  else if (file !== undefined)
    response
      .writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' })
      .end(readFileSync(file))
  else response.end(`hello from ${host} ${request.method} ${pathname}\n`)
}

/** git's own, by the rules of CGI (RFC 3875). */
function gitServer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://any')
  const header = (name: string) => String(request.headers[name] ?? '')
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: join(SITES, 'repositories'),
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: header('git-protocol'),
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: header('content-type'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  request.pipe(backend.stdin)
  const parts: Buffer[] = []
  backend.stdout.on('data', (part: Buffer) => parts.push(part))
  backend.on('close', () => {
    const answer = Buffer.concat(parts)
    const end = answer.indexOf('\r\n\r\n')
    const headers = answer
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line) => line.split(': '))
    const status = headers.find(([name]) => name === 'Status')?.[1] ?? '200'
    for (const [name = '', value = ''] of headers) if (name !== 'Status') response.setHeader(name, value)
    response.writeHead(Number.parseInt(status, 10)).end(answer.subarray(end + 4))
  })
}

export default (world: World): void => {
  world.http(80, serve)
  const pem = (name: string) => readFileSync(join(SITES, name))
  if (existsSync(join(SITES, 'leaf.pem')))
    world.https(443, { cert: pem('leaf.pem'), key: pem('leaf.key') }, serve)
}
