/** Every address answers every request, on each port that a job of the test may name; and writes down what was asked. */
import { createSocket } from 'node:dgram'
import { appendFileSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { World } from '../support/internet/world.js'
import { HTTP_PORTS, TLS_PORTS } from './agreement.js'

export default (world: World): void => {
  const heard = process.env.HEARD ?? ''
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const { localAddress = '', localPort } = request.socket
    const address = localAddress.replace(/^::ffff:/, '')
    const credential = request.headers.authorization?.includes(process.env.TOKEN ?? '?') === true
    appendFileSync(heard, `${request.method} ${address} ${localPort} ${request.url} ${credential}\n`)
    response.end('far side\n')
  }
  const datagrams = createSocket('udp6', () => appendFileSync(heard, 'UDP anywhere 9000 - false\n'))
  datagrams.bind(9000)
  for (const port of HTTP_PORTS) world.http(port, serve)
  const [key, cert] = (process.env.IDENTITY ?? '').split(' ').map((file) => readFileSync(file))
  for (const port of TLS_PORTS) world.https(port, { key, cert }, serve)
}
