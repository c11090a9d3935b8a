/** Every address answers every request, on each port that a job of the test may name; and writes down what was asked. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { World } from '../support/internet/world.js'
import { HTTP_PORTS, TLS_PORTS } from './agreement.js'

export default (world: World): void => {
  const heard = process.env.HEARD ?? ''
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const { localAddress = '', localPort } = request.socket
    const address = localAddress.replace(/^::ffff:/, '')
    appendFileSync(heard, `${request.method} ${address} ${localPort}\n`)
    response.end('far side\n')
  }
  for (const port of HTTP_PORTS) world.http(port, serve)
  const key = selfSigned()
  for (const port of TLS_PORTS) world.https(port, key, serve)
}

function selfSigned() {
  const folder = mkdtempSync(join(tmpdir(), 'glovebox-test-'))
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=far.test'
  execFileSync('openssl', [...words.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const pair = { key: readFileSync(key), cert: readFileSync(cert) }
  rmSync(folder, { recursive: true })
  return pair
}
