/** A host of git repositories: `git http-backend`, behind a check of Basic authentication. */
import { spawn } from 'node:child_process'
import type { ServerResponse } from 'node:http'
import type { Arrived } from './hosts.js'

/** Serves the repositories below `root` to whoever has `authorization`. */
export function serveGit(
  root: string,
  authorization: string,
  arrived: Arrived,
  response: Pick<ServerResponse, 'writeHead' | 'end'>,
): void {
  if (arrived.headers.authorization !== authorization) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' })
    response.end()
    return
  }
  const { pathname, search } = new URL(arrived.url, 'https://any.test')
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: arrived.method,
      CONTENT_TYPE: arrived.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: arrived.headers['content-encoding'] ?? '',
      CONTENT_LENGTH: String(arrived.body.length),
      GIT_PROTOCOL: String(arrived.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'job',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const said: Buffer[] = []
  backend.stdout.on('data', (piece: Buffer) => said.push(piece))
  backend.stdin.on('error', () => {})
  backend.stdin.end(arrived.body)
  backend.on('close', () => {
    const all = Buffer.concat(said)
    const end = all.indexOf('\r\n\r\n')
    const lines = all.subarray(0, end).toString('latin1').split('\r\n')
    const headers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/s).slice(0, 2)))
    const { Status: status = '200', ...rest } = headers as Record<string, string>
    response.writeHead(Number.parseInt(status, 10), rest)
    response.end(all.subarray(end + 4))
  })
}
