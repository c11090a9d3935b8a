/** A host that repeats what it was sent, in every way that somebody might. */
import type { Http2ServerResponse } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { Arrived } from './hosts.js'

const html = (text: string) => [...text].map((each) => `&#${each.charCodeAt(0)};`).join('')
const percent = (text: string) => [...text].map((each) => `%${each.charCodeAt(0).toString(16)}`).join('')
const json = (text: string) => [...text].map((each) => `\\u00${each.charCodeAt(0).toString(16)}`).join('')

const BODIES: Readonly<Record<string, (value: string) => Buffer | string>> = {
  plain: (value) => value,
  percent,
  base64: (value) => Buffer.from(`x${value}`).toString('base64'),
  base64url: (value) => Buffer.from(`xy${value}`).toString('base64url'),
  hex: (value) => Buffer.from(value).toString('hex'),
  json: (value) => JSON.stringify({ headers: { 'x-token': json(value) } }).replaceAll('\\\\', '\\'),
  utf16: (value) => Buffer.from(value, 'utf16le'),
  html,
}
const CODINGS: Readonly<Record<string, (value: Buffer) => Buffer>> = {
  gzip: (value) => gzipSync(value),
  deflate: (value) => deflateSync(value),
  br: (value) => brotliCompressSync(value),
  'gzip twice': (value) => gzipSync(gzipSync(value)),
  zstd: (value) => value,
}

export async function repeat(how: string, value: string, arrived: Arrived, response: Http2ServerResponse) {
  const old = response as unknown as import('node:http').ServerResponse
  const around = (inner: string | Buffer) =>
    Buffer.concat([Buffer.alloc(3000, 'a'), Buffer.from(inner as string), Buffer.alloc(3000, 'b')])
  const body = BODIES[how]
  if (body !== undefined) {
    response.end(around(body(value)))
    return
  }
  const coding = CODINGS[how]
  if (coding !== undefined) {
    response.writeHead(200, { 'content-encoding': how === 'gzip twice' ? 'gzip, gzip' : how })
    response.end(coding(around(value)))
    return
  }
  if (how === 'header') response.setHeader('x-repeated', value)
  if (how === 'cookie')
    response.setHeader('set-cookie', ['a=1', `b=${Buffer.from(value).toString('base64')}`])
  if (how === 'redirect') {
    response.writeHead(302, { location: `https://other.test/?t=${percent(value)}` })
  } else if (how === 'status' && arrived.version === '1.1') {
    old.writeHead(200, `fine ${value}`)
  } else if (how === 'error') {
    response.writeHead(500)
    response.write(`<h1>no such token: ${value}</h1>`)
  } else if (how === 'early') {
    const hints = { link: `<https://swap.test/${value}>; rel=preload` }
    if (arrived.version === '1.1') old.writeEarlyHints(hints)
    else response.stream.additionalHeaders({ ':status': 103, ...hints })
  } else if (how === 'slow' || how === 'bytes') {
    const size = how === 'slow' ? 5 : 1
    for (let at = 0; at < value.length; at += size) {
      response.write(value.slice(at, at + size))
      await new Promise((next) => setTimeout(next, how === 'slow' ? 10 : 1))
    }
  } else if (how === 'trailer') {
    if (arrived.version === '1.1') response.setHeader('trailer', 'x-repeated')
    response.write('body')
    response.addTrailers({ 'x-repeated': value })
  }
  response.end('the end')
}

const frame = (opcode: number, payload: Buffer) =>
  Buffer.concat([Buffer.from([opcode, payload.length]), payload])

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

/** Answers that no library of HTTP would write. */
const RAW: Readonly<Record<string, (value: Buffer) => readonly (Buffer | string)[]>> = {
  'transfer-encoding: gzip': (value) => {
    const packed = gzipSync(value)
    const chunk = [`${packed.length.toString(16)}\r\n`, packed, '\r\n0\r\n\r\n']
    return ['HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', ...chunk]
  },
  'two lines of content-encoding': (value) => [
    'HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Encoding: gzip\r\n\r\n',
    gzipSync(value),
  ],
  'content-encoding, for the hop alone': (value) => [
    'HTTP/1.1 200 OK\r\nConnection: close, content-encoding\r\nContent-Encoding: gzip\r\n\r\n',
    gzipSync(value),
  ],
  'no length': (value) => ['HTTP/1.1 200 OK\r\n\r\n', value],
  'HTTP/1.0': (value) => ['HTTP/1.0 200 OK\r\n\r\n', value],
  'behind gzip': (value) => ['HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n', gzipSync('x'), value],
  'gzip behind gzip': (value) => [
    'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n',
    gzipSync('x'),
    gzipSync(value),
  ],
  'a body of 204': (value) => ['HTTP/1.1 204 No Content\r\n\r\n', value],
  'a second answer': (value) => [
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx',
    'HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n',
    value,
  ],
  'a chunk extension': (value) => [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=',
    value,
    '\r\na\r\n0\r\n\r\n',
  ],
  'a header’s name': (value) => ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-', value, ': 1\r\n\r\n'],
  'a frame of a WebSocket': (value) => [SWITCHED, frame(0x81, value)],
  'the head of a WebSocket': (value) => [SWITCHED.replace('\r\n\r\n', `\r\nX-A: ${value}\r\n\r\n`)],
}
export const RAW_WAYS = Object.keys(RAW)

/** Reads one request, and repeats its X-Token as its path says. */
export function repeatRaw(socket: TLSSocket, tell: (value: string) => void): void {
  let asked = ''
  socket.on('error', () => {})
  socket.on('data', (piece) => {
    asked += piece.toString('latin1')
    if (!asked.includes('\r\n\r\n')) return
    const [, way = ''] = /^GET \/raw\/(\S+)/.exec(asked) ?? []
    const [, value = ''] = /^x-token: (.*)$/im.exec(asked) ?? []
    asked = ''
    tell(value)
    for (const part of RAW[decodeURIComponent(way)]?.(Buffer.from(value, 'latin1')) ?? []) socket.write(part)
    socket.end()
  })
}
