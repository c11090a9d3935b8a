/**
 * A job and a host that are both hostile, at the two ends of a live gateway: requests sent ahead of their answers, tunnels in
 * the middle, answers that break off, come twice or change the protocol. It stays up, and its connections end.
 */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { NO_NAMESPACE } from './namespace.js'
import { line, planOf, rule, Setting, talk } from './setting.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 3)

const first = fc.constantFrom(
  'GET / HTTP/1.1',
  'GET /b HTTP/1.0',
  'HEAD / HTTP/1.1',
  'POST / HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'CONNECT good.test:80 HTTP/1.1',
  'BREW / HTTP/1.1',
)
const header = fc.constantFrom(
  'Connection: close',
  'Connection: keep-alive',
  'Connection: Upgrade\r\nUpgrade: websocket',
  'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
  'Expect: 100-continue',
  'Expect: 200-never',
  'Content-Length: 5',
  'Content-Length: 100000',
  'Transfer-Encoding: chunked',
  'X-HTTP-Method-Override: PUT',
  'TE: trailers',
)
const body = fc.constantFrom(
  '',
  'abcde',
  '0\r\n\r\n',
  '5;x=y\r\nabcde\r\n0\r\nT: r\r\n\r\n',
  '5\r\nab',
  'ffffffffff\r\n',
)
const request = fc
  .tuple(first, fc.uniqueArray(header, { maxLength: 3 }), body)
  .map(([start, headers, rest]) => [start, 'Host: good.test:PORT', ...headers, '', rest].join('\r\n'))

const answer = fc.constantFrom(
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n2\r\nok\r\n2\r\no',
  'HTTP/1.0 200 OK\r\n\r\nok',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbytes',
  'HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc',
  'HTTP/1.1 304 Not Modified\r\n\r\n',
  'HTTP/1.1 000 Nothing\r\n\r\n',
  'HTTP/1.1 999 \x80\x9b\r\nX: \x80\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
  'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nok',
  'HTTP/1.1 200 OK\r\nConnection: close, content-length\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nTrailer: X\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n',
  '\x16\x03\x01',
  '',
)
type Host = readonly { readonly says: string; readonly next: 'stays' | 'ends' | 'breaks' }[]
const hosts: fc.Arbitrary<Host> = fc.array(
  fc.record({ says: answer, next: fc.constantFrom('stays', 'stays', 'stays', 'ends', 'breaks') }),
  { minLength: 1, maxLength: 4 },
) as fc.Arbitrary<Host>

describe('a live gateway between a hostile job and a hostile host', { skip: NO_NAMESPACE }, () => {
  const setting = new Setting({ hosts: { 'good.test': ['127.0.0.1'] } })
  after(() => setting.close())
  const { job } = setting

  test('takes whatever they say to each other', async () => {
    let script: Host = []
    let turn = 0
    const host = await setting.server((socket: Socket) => {
      socket.on('data', () => {
        const { says, next } = script[turn++ % script.length] ?? { says: '', next: 'stays' }
        socket.write(Buffer.from(says, 'latin1'))
        if (next === 'ends') socket.end()
        if (next === 'breaks') socket.resetAndDestroy()
      })
      socket.on('end', () => socket.end())
    })
    const { port } = host
    const read = rule('good.test', { [port]: 'http' }, { methods: ['GET', 'HEAD'], upgrade: true })
    const write = rule(
      'good.test',
      { [port]: 'http' },
      { name: 'network.allow[1]', budget: { ...read.budget, maxConnections: 2 } },
    )
    const plan = planOf([read, write], {
      timeouts: { headMs: 100, idleMs: 100, connectMs: 500 },
      budget: { maxConnections: 10_000, maxRate: 100_000 },
    })
    const attachment = await setting.attach(plan)
    let tries = 0
    const said = fc.array(request, { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(said, hosts, fc.boolean(), fc.nat(300), async (requests, answers, ends, cut) => {
        tries += 1
        script = answers
        turn = 0
        const text = requests.join('').replaceAll('PORT', String(port))
        const lines = [line(text.slice(0, cut)), line(text.slice(cut), 1)]
        const talked = await talk(job, { host: 'good.test', port }, lines, { waitMs: 3000, end: ends })
        assert.notEqual(talked.end, 'silent', 'the gateway never ended it')
        assert.ok(!setting.gateway.ended, 'the gateway is gone')
      }),
      { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: SECONDS * 1000, endOnFailure: true },
    )
    assert.ok(tries > 3)
    await attachment.end()
    assert.ok(!setting.gateway.ended)
  })
})
