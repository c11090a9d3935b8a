/**
 * The attack: fields behind a body, and streams taken back, in the ways that Node itself throws at. The gateway is one process for many
 * sandboxes: a regression would show as its end, and with it every neighbour's network.
 */
import assert from 'node:assert/strict'
import { createSecureServer } from 'node:http2'
import { after, before, describe, test } from 'node:test'
import { askHttp2, TestAuthority } from './inspect-tools.js'
import { NO_NAMESPACE } from './namespace.js'
import { type Heard, planOf, rule, Setting } from './setting.js'

const authority = new TestAuthority()

/** HPACK without its tables and Huffman's code (RFC 7541, 6.2.2), as Node's own server writes no field twice that it knows as single. */
const literal = (name: string, value: string) =>
  Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name, 'latin1'),
    Buffer.from([value.length]),
    Buffer.from(value, 'latin1'),
  ])
const block = (fields: readonly (readonly [string, string])[]) =>
  Buffer.concat(fields.map(([name, value]) => literal(name, value)))
const frame = (type: number, flags: number, stream: number, payload: Buffer) => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}
const [DATA, HEADERS, RST, SETTINGS] = [0, 1, 3, 4]
const [END_STREAM, END_HEADERS] = [1, 4]
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1'),
  frame(SETTINGS, 0, 0, Buffer.alloc(0)),
])

/** Each is a field that may stand there once, said twice. */
const TWICE = ['etag', 'date', 'age', 'expires', 'content-md5', 'content-range', 'x-content-type-options']
const twice = (name: string) =>
  block([
    [name, 'a'],
    [name, 'b'],
  ])

describe('hostile streams of HTTP/2', { skip: NO_NAMESPACE }, () => {
  const setting = new Setting({
    hosts: { 'good.test': ['127.0.0.1'], 'bad.test': ['127.0.0.1'] },
    authorities: [authority.pem],
  })
  let good: Heard
  let bad: Heard
  let trailing = ''

  before(async () => {
    good = await setting.serve(
      createSecureServer(authority.sign(['DNS:good.test']), (request, response) => {
        request.on('error', () => {})
        request.resume().on('end', () => response.end('here'))
      }),
    )
    const { createServer } = await import('node:tls')
    const hostile = (socket: import('node:tls').TLSSocket) => {
      socket.on('error', () => {})
      socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)))
      socket.on('data', (bytes: Buffer) => {
        // the first stream's request is there, in whichever frames
        if (bytes.length < 20) return
        socket.write(
          Buffer.concat([
            frame(SETTINGS, 1, 0, Buffer.alloc(0)),
            frame(HEADERS, END_HEADERS, 1, Buffer.from([0x88])),
            frame(DATA, 0, 1, Buffer.from('text')),
            frame(HEADERS, END_HEADERS | END_STREAM, 1, twice(trailing)),
          ]),
        )
      })
    }
    bad = await setting.serve(
      createServer({ ...authority.sign(['DNS:bad.test']), ALPNProtocols: ['h2'] }, hostile),
    )
    await setting.attach(
      planOf(
        [
          rule('good.test', { [good.port]: 'tls' }, { inspect: true, paths: ['/', '/here'] }),
          rule('bad.test', { [bad.port]: 'tls' }, { inspect: true }),
        ],
        { budget: { maxRate: 10_000, maxConnections: 4096 } },
      ),
    )
  })
  after(() => setting.close())

  const lives = async () => {
    const [answer] = await askHttp2(setting.job, { port: good.port, ca: setting.authority }, [{}])
    assert.equal(answer?.body, 'here', JSON.stringify(answer))
    assert.equal(setting.gateway.ended, false)
  }

  /** All at once, as one piece of TLS. */
  const say = (bytes: Buffer) =>
    setting.job.evaluate(
      async (require, port, ca, text) => {
        const { connect } = require('node:tls') as typeof import('node:tls')
        const socket = connect({
          host: 'good.test',
          servername: 'good.test',
          port,
          ca,
          ALPNProtocols: ['h2'],
        })
        let heard = 0
        socket.on('data', (piece: Buffer) => {
          heard += piece.length
        })
        socket.on('error', () => {})
        await new Promise((done) => socket.once('secureConnect', done))
        socket.write(Buffer.from(text, 'latin1'))
        await new Promise((done) => setTimeout(done, 150))
        socket.destroy()
        return heard
      },
      good.port,
      setting.authority,
      bytes.toString('latin1'),
    )

  const asks = (stream: number, path: string, more: readonly (readonly [string, string])[], flags: number) =>
    frame(
      HEADERS,
      END_HEADERS | flags,
      stream,
      block([
        [':method', 'POST'],
        [':scheme', 'https'],
        [':authority', `good.test:${good.port}`],
        [':path', path],
        ...more,
      ]),
    )

  test('control: what is no hostility is answered', lives)

  for (const name of TWICE)
    test(`a trailer ${name} that comes twice ends nobody’s network, whoever sends it`, async () => {
      const heard = await say(
        Buffer.concat([
          PREFACE,
          asks(1, '/here', [], 0),
          frame(DATA, 0, 1, Buffer.from('text')),
          frame(HEADERS, END_HEADERS | END_STREAM, 1, twice(name)),
        ]),
      )
      assert.ok(heard > 0)
      await lives()
      trailing = name
      await askHttp2(setting.job, { port: bad.port, ca: setting.authority, name: 'bad.test' }, [{}])
      await lives()
    })

  const back = (stream: number) => frame(RST, 0, stream, Buffer.from([0, 0, 0, 8]))
  const taken: Readonly<Record<string, (stream: number) => readonly Buffer[]>> = {
    'that is refused': (stream) => [asks(stream, '/no', [], 0), back(stream)],
    'that is refused, with a body': (stream) => [
      asks(stream, '/no', [], 0),
      frame(DATA, 0, stream, Buffer.from('text')),
      back(stream),
    ],
    'that waits for word that its body is wanted': (stream) => [
      asks(stream, '/here', [['expect', '100-continue']], 0),
      back(stream),
    ],
    'that waits for word, with a body all the same': (stream) => [
      asks(stream, '/here', [['expect', '100-continue']], 0),
      frame(DATA, 0, stream, Buffer.from('text')),
      back(stream),
    ],
    'that is whole': (stream) => [asks(stream, '/here', [], END_STREAM), back(stream)],
    'with trailers': (stream) => [
      asks(stream, '/here', [], 0),
      frame(DATA, 0, stream, Buffer.from('text')),
      frame(HEADERS, END_HEADERS | END_STREAM, stream, block([['x-sum', 'a']])),
      back(stream),
    ],
  }
  for (const [what, frames] of Object.entries(taken))
    test(`a request ${what}, and is taken back in the same breath, ends nobody’s network`, async () => {
      const streams = Array.from({ length: 30 }, (_, index) => 2 * index + 1)
      await say(Buffer.concat([PREFACE, ...streams.flatMap(frames)]))
      await lives()
    })
})
