/**
 * Hostile bytes at a live gateway: like TLS, like HTTP, like DNS, and like nothing. It stays up, its memory stays bounded, and no
 * decoy hears a thing.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { RESOLVER } from '../../src/network/index.js'
import { NO_NAMESPACE } from './namespace.js'
import { gatewaysOf, line, planOf, rule, Setting, talk } from './setting.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 3)

const bytes = fc.uint8Array({ maxLength: 400 }).map((each) => Buffer.from(each))
const words = fc.constantFrom(
  'GET',
  'POST',
  'CONNECT',
  ' ',
  '/',
  '/../',
  ' HTTP/1.1',
  ' HTTP/1.0',
  '\r\n',
  '\n',
  '\r',
  'Host: ',
  'good.test',
  'evil.test',
  ':80',
  'Content-Length: ',
  'Transfer-Encoding: chunked',
  '5',
  '-1',
  '0x5',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Expect: 100-continue',
  '\0',
  '\x7f',
  'http://',
  '@',
  '[::1]',
  '\r\n\r\n',
  '0\r\n\r\n',
)
const http = fc
  .array(fc.oneof({ weight: 6, arbitrary: words }, { weight: 1, arbitrary: fc.string() }), { maxLength: 40 })
  .map((all) => Buffer.from(all.join(''), 'latin1'))
const HELLO = Buffer.from(
  '16030100560100005203030000000000000000000000000000000000000000000000000000000000000000000002130101000027000000180016000013676f6f642e746573742e6c6f6f6b616c696b65002b0003020304000d000400020403',
  'hex',
)
const DNS = Buffer.from(
  '123401000001000000000000 04676f6f640474657374 00 0001 0001'.replaceAll(' ', ''),
  'hex',
)
const changed = (whole: Buffer) =>
  fc
    .tuple(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 }),
      fc.nat(whole.length),
      bytes,
    )
    .map(([changes, cut, tail]) => {
      const copy = Buffer.from(whole)
      for (const [at, value] of changes) copy[at] = value
      return Buffer.concat([copy.subarray(0, cut), tail])
    })
const lengthed = (arbitrary: fc.Arbitrary<Buffer>) =>
  arbitrary.map((message) => {
    const head = Buffer.alloc(2)
    head.writeUInt16BE(Math.min(message.length, 65535))
    return Buffer.concat([head, message])
  })
const input = fc.oneof(bytes, http, changed(HELLO), lengthed(changed(DNS)))

describe('a live gateway', { skip: NO_NAMESPACE }, () => {
  const setting = new Setting({ hosts: { 'good.test': ['127.0.0.1'], 'evil.test': ['127.0.0.1'] } })
  after(() => setting.close())
  const { job } = setting

  test('takes whatever bytes a job sends', async () => {
    const decoys = await Promise.all(
      Array.from({ length: 4 }, () => setting.server((socket) => socket.end('decoy'))),
    )
    const [tls = 0, clear = 0, web = 0, port = 0] = decoys.map((decoy) => decoy.port)
    // every rule leads to a decoy, and none opens the loopback on which it listens
    const closed = { private: [] }
    const plan = planOf([rule('good.test', { [tls]: 'tls', [clear]: 'http', [web]: 'web' }, closed)], {
      timeouts: { headMs: 200, idleMs: 200, connectMs: 200 },
      budget: { maxConnections: 10_000, maxRate: 100_000 },
    })
    const attachment = await setting.attach(plan, [port])
    let lost = false
    attachment.lost.then(() => {
      lost = true
    })
    const [pid = 0] = gatewaysOf(process.pid).slice(-1)
    const targets = [
      ['good.test', tls],
      ['good.test', clear],
      ['good.test', web],
      ['203.0.113.1', port],
      [RESOLVER, 53],
    ] as const
    let tries = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(input, { minLength: 1, maxLength: 3 }),
        fc.array(bytes, { maxLength: 3 }),
        async (said, datagrams) => {
          tries += 1
          await Promise.all([
            ...targets.map(([host, to]) =>
              talk(
                job,
                { host, port: to },
                said.map((each) => line(each)),
                { waitMs: 500, end: true },
              ),
            ),
            job.evaluate(
              async (require, packets: string[], resolver) => {
                const { createSocket } = require('node:dgram') as typeof import('node:dgram')
                const socket = createSocket('udp4')
                socket.on('error', () => {})
                for (const packet of packets) socket.send(Buffer.from(packet, 'base64'), 53, resolver)
                await new Promise((resolve) => setTimeout(resolve, 2))
                socket.close()
              },
              [...datagrams, ...said].map((each) => each.toString('base64')),
              RESOLVER,
            ),
          ])
          return !lost
        },
      ),
      { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: SECONDS * 1000 },
    )
    assert.ok(tries > 3)
    assert.deepEqual(
      decoys.map(({ connections }) => connections),
      [0, 0, 0, 0],
    )
    const resident = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    assert.ok(resident < 400 * 1024, `${resident} KiB`)
    const { attempts } = await attachment.end()
    assert.ok(
      attempts.length > 0 && attempts.every(({ verdict }) => verdict !== 'allow'),
      JSON.stringify(attempts),
    )
  })

  test('control: with the loopback opened, the same decoy hears', async () => {
    const host = await setting.server((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ndecoy'),
    )
    const { value } = await setting.during(planOf([rule('good.test', { [host.port]: 'http' })]), () =>
      talk(job, { host: 'good.test', port: host.port }, [
        line(`GET / HTTP/1.1\r\nHost: good.test:${host.port}\r\nConnection: close\r\n\r\n`),
      ]),
    )
    assert.match(value.received, /decoy/)
  })
})
