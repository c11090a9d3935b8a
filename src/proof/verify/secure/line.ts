/** TLS over a carrier, and HTTP in it as the asker writes it. */
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { type Asked, type Callee, type Line, TalkProblem } from '../../probes/index.js'
import { AnswerReader } from './answer-reader.js'
import { http2Line } from './http2-line.js'
import { MOMENT_MS, PATIENCE_MS, type Shown, wordOf } from './line-words.js'

/** @throws TalkProblem when there is no handshake */
export async function lineOver(carrier: Duplex, to: Callee): Promise<Line> {
  if (to.clear === true) return http1Line(carrier, { issuer: '', isBelieved: false })
  const protocol = to.protocol ?? 'http/1.1'
  const socket = connect({
    socket: carrier,
    servername: to.name,
    ALPNProtocols: [protocol],
    // whoever it is, it is talked to
    rejectUnauthorized: false,
    ...(to.believed === undefined ? {} : { ca: to.believed }),
  })
  await shaken(socket, carrier)
  const { CN } = socket.getPeerCertificate().issuer ?? {}
  const seen = { issuer: Array.isArray(CN) ? CN.join() : (CN ?? ''), isBelieved: socket.authorized }
  return protocol === 'h2' ? http2Line(socket, seen) : http1Line(socket, seen)
}

async function shaken(socket: TLSSocket, carrier: Duplex): Promise<void> {
  const late = setTimeout(() => socket.destroy(new TalkProblem('timeout')), PATIENCE_MS)
  // a carrier that ends says nothing to who is in the middle of a handshake
  const gone = () => socket.destroy(new TalkProblem('ECONNRESET'))
  carrier.once('close', gone)
  carrier.once('end', gone)
  try {
    await once(socket, 'secureConnect')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw error instanceof TalkProblem ? error : new TalkProblem(wordOf(code))
  } finally {
    clearTimeout(late)
    carrier.off('close', gone)
    carrier.off('end', gone)
    socket.on('error', () => {})
  }
}

function http1Line(socket: Duplex, shown: Shown): Line {
  const begun: Buffer[] = []
  let reader: AnswerReader | null = null
  socket.on('data', (chunk: Buffer) => {
    if (reader === null) begun.push(chunk)
    else reader.push(chunk)
  })
  const end = () => reader?.end('ECONNRESET')
  socket.once('end', () => reader?.end(null))
  socket.once('close', end)
  socket.once('error', end)
  return {
    ...shown,
    async ask(asked) {
      const reading = new AnswerReader(asked.method)
      reader = reading
      const late = setTimeout(() => reading.end('timeout'), PATIENCE_MS)
      if (socket.destroyed || socket.readableEnded) reading.end('ECONNRESET')
      for (const chunk of begun.splice(0)) reading.push(chunk)
      await say(socket, asked)
      try {
        return await reading.answer
      } finally {
        clearTimeout(late)
      }
    },
    close: () => socket.destroy(),
  }
}

async function say(
  socket: Duplex,
  { method, path, authority, headers = [], body = [] }: Asked,
): Promise<void> {
  const bytes = body.reduce((sum, { length }) => sum + length, 0)
  const hasLength = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${authority}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(bytes === 0 || hasLength ? [] : [`Content-Length: ${bytes}`]),
  ]
  const write = (piece: Uint8Array) => socket.writable && socket.write(piece)
  write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'))
  for (const [index, piece] of body.entries()) {
    if (index > 0) await sleep(MOMENT_MS)
    write(piece)
  }
}
