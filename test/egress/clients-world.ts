/** Sites for real clients: https and git on 443, clear HTTP on 80, PostgreSQL on 5432, an ssh-like banner on 22; the same for every name. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join, normalize } from 'node:path'
import type { World } from '../support/internet/world.js'

const { SITES = '', PGDATA = '' } = process.env

const serve: RequestListener = (request, response) => {
  const path = new URL(request.url ?? '/', 'http://any').pathname
  const file = join(SITES, 'www', normalize(path))
  if (path.endsWith('.git/HEAD') || (path.includes('.git/') && existsSync(file))) {
    if (existsSync(file)) response.end(readFileSync(file))
    else response.writeHead(404).end()
    return
  }
  response.end(`hello from ${request.headers.host} ${request.method} ${request.url}\n`)
}

export default (world: World): void => {
  const pem = (name: string) => readFileSync(join(SITES, name))
  if (existsSync(join(SITES, 'leaf.pem')))
    world.https(443, { cert: pem('leaf.pem'), key: pem('leaf.key') }, serve)
  for (const port of [80, 8080]) world.http(port, serve)
  world.tcp(22, (socket) => socket.write('SSH-2.0-decoy\r\n'))
  if (PGDATA !== '') world.until(database())
}

/** A real one, listening on every address of the far side. It refuses to run as root. */
async function database(): Promise<void> {
  const [version = ''] = readdirSync('/usr/lib/postgresql').sort().reverse()
  const program = `/usr/lib/postgresql/${version}/bin/postgres`
  const args = ['-D', PGDATA, '-c', 'listen_addresses=*', '-c', `unix_socket_directories=${PGDATA}`]
  const drop =
    process.getuid?.() === 0 ? ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
  const [file = '', ...rest] = [...drop, program, ...args]
  rmSync(join(PGDATA, 'postmaster.pid'), { force: true }) // of one that was killed
  const server = spawn(file, rest, { stdio: 'ignore', cwd: PGDATA })
  server.on('error', (error) => console.error(error.message))
  while (spawnSync('pg_isready', ['-q', '-h', '127.0.0.1']).status !== 0)
    await new Promise((resolve) => setTimeout(resolve, 50))
}
