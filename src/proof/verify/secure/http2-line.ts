/** HTTP/2 on a connection, each request with a method, a path and an authority of its own. */
import { connect } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import type { Answer, Asked, Line } from '../../probes/index.js'
import { MOMENT_MS, NO_ANSWER, PATIENCE_MS, type Shown, wordOf } from './line-words.js'

const MAX_BYTES = 4 << 20

export function http2Line(socket: TLSSocket, shown: Shown): Line {
  // what it is connected to is decided; of this URL only that it is https is read
  const session = connect('https://host.invalid', { createConnection: () => socket })
  session.on('error', () => {})
  const ask = ({ method, path, authority, headers = [], body = [] }: Asked): Promise<Answer> =>
    new Promise((resolve) => {
      const parts: Buffer[] = []
      let answer: Answer = NO_ANSWER
      let bytes = 0
      const over = (problem: string | null) => {
        clearTimeout(late)
        const whole = problem === null && answer.status !== null
        resolve({
          ...answer,
          body: Buffer.concat(parts),
          whole,
          problem: whole ? null : (problem ?? 'ECONNRESET'),
        })
      }
      const late = setTimeout(() => over('timeout'), PATIENCE_MS)
      session.once('close', () => over('ECONNRESET'))
      if (session.destroyed || session.closed) return over('ECONNRESET')
      const stream = session.request(
        {
          ...Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
          ':method': method,
          ':path': path,
          ':scheme': 'https',
          ':authority': authority,
        },
        { endStream: body.length === 0 },
      )
      stream.on('response', (fields) => {
        const pairs = Object.entries(fields).flatMap(([name, value]) =>
          [value ?? []].flat().map((each) => [name, `${each}`] as const),
        )
        answer = { ...answer, status: Number(fields[':status']), headers: pairs }
      })
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= MAX_BYTES) parts.push(chunk)
      })
      stream.once('end', () => over(stream.rstCode === 0 ? null : 'ECONNRESET'))
      stream.on('error', (error: NodeJS.ErrnoException) => over(wordOf(error.code)))
      stream.once('close', () => over(answer.status === null ? 'ECONNRESET' : null))
      void send()
      async function send() {
        for (const [index, piece] of body.entries()) {
          if (index > 0) await sleep(MOMENT_MS)
          if (stream.writable) stream.write(piece)
        }
        if (body.length > 0) stream.end()
      }
    })
  return { ...shown, ask, close: () => session.destroy() }
}
