/** Frames of HTTP/2 at random, from a job and from a host: the gateway is one process for many sandboxes, and none may end it. */
import assert from 'node:assert/strict'
import { createSecureServer } from 'node:http2'
import { after, before, describe, test } from 'node:test'
import { createServer as createTls, type TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { fuzzTime } from '../network/tools.js'
import { askHttp2, TestAuthority } from './inspect-tools.js'
import { NO_NAMESPACE } from './namespace.js'
import { type Heard, planOf, rule, Setting } from './setting.js'

const TESTS = 2
/** Each run is a connection, and on a busy machine the first takes most of a second. */
const TIME = {
  ...fuzzTime(TESTS),
  interruptAfterTimeLimit: Math.max(4000, fuzzTime(TESTS).interruptAfterTimeLimit),
}
const authority = new TestAuthority()
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** A frame (RFC 9113, 4.1), mostly of a kind that there is. */
const frame = fc
  .tuple(
    fc.oneof(fc.integer({ min: 0, max: 9 }), fc.nat({ max: 255 })),
    fc.nat({ max: 255 }),
    fc.constantFrom(0, 1, 1, 3, 5, 2, 0x7fffffff),
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      // GET / of a host, by HPACK's static table
      fc.constant(Buffer.from('828784410962616c2e74657374', 'hex')),
      fc.constantFrom(0, 1, 4, 5, 6, 8).map((length) => Buffer.alloc(length, 1)),
    ),
  )
  .map(([type, flags, stream, payload]) => {
    const head = Buffer.alloc(9)
    head.writeUIntBE(payload.length, 0, 3)
    head.writeUInt8(type, 3)
    head.writeUInt8(flags, 4)
    head.writeUInt32BE(stream, 5)
    return Buffer.concat([head, payload])
  })
const frames = fc.array(frame, { maxLength: 20 }).map((all) => Buffer.concat(all))
const SETTINGS = Buffer.from('000000040000000000', 'hex')

describe('HTTP/2 at random', { skip: NO_NAMESPACE }, () => {
  const setting = new Setting({
    hosts: { 'good.test': ['127.0.0.1'], 'bad.test': ['127.0.0.1'] },
    authorities: [authority.pem],
  })
  let good: Heard
  let bad: Heard
  let says = Buffer.alloc(0)

  before(async () => {
    good = await setting.serve(
      createSecureServer(
        authority.sign(['DNS:good.test']),
        (_request, response) => void response.end('here'),
      ),
    )
    const hostile = (socket: TLSSocket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(says))
    }
    bad = await setting.serve(
      createTls({ ...authority.sign(['DNS:bad.test']), ALPNProtocols: ['h2'] }, hostile),
    )
    await setting.attach(
      planOf(
        [
          rule('good.test', { [good.port]: 'tls' }, { inspect: true }),
          rule('bad.test', { [bad.port]: 'tls' }, { inspect: true }),
        ],
        { timeouts: { headMs: 500, idleMs: 500 }, budget: { maxRate: 10_000, maxConnections: 4096 } },
      ),
    )
  })
  after(() => setting.close())

  const lives = async () => {
    const [answer] = await askHttp2(setting.job, { port: good.port, ca: setting.authority }, [{}])
    assert.equal(answer?.body, 'here', JSON.stringify(answer))
    assert.equal(setting.gateway.ended, false)
  }

  test('control: what is no hostility is answered', lives)

  test('from a job, nothing ends the gateway', async () => {
    await fc.assert(
      fc.asyncProperty(frames, fc.boolean(), async (bytes, preface) => {
        const said = Buffer.concat([preface ? Buffer.concat([PREFACE, SETTINGS]) : Buffer.alloc(0), bytes])
        await setting.job.evaluate(
          (require, port, ca, said) => {
            const { connect } = require('node:tls') as typeof import('node:tls')
            const socket = connect({
              host: 'good.test',
              port,
              servername: 'good.test',
              ca,
              ALPNProtocols: ['h2'],
            })
            socket.on('error', () => {})
            socket.resume()
            socket.once('secureConnect', () => socket.end(Buffer.from(said, 'base64')))
            return new Promise<void>((done) => socket.once('close', () => done()))
          },
          good.port,
          setting.authority,
          said.toString('base64'),
        )
        assert.equal(setting.gateway.ended, false)
      }),
      TIME,
    )
    await lives()
  })

  test('nor from a host', async () => {
    await fc.assert(
      fc.asyncProperty(frames, fc.boolean(), async (bytes, settings) => {
        says = Buffer.concat([settings ? SETTINGS : Buffer.alloc(0), bytes])
        const requests = [{ path: '/a' }, { method: 'POST', path: '/b', body: 'x' }]
        await askHttp2(setting.job, { port: bad.port, ca: setting.authority, name: 'bad.test' }, requests)
        assert.equal(setting.gateway.ended, false)
      }),
      TIME,
    )
    await lives()
  })
})
