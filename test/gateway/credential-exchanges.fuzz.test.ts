/**
 * Requests and answers at random with a credential held: by a job that writes each byte itself, to the credential's host, which repeats all
 * that it hears, and to another, which listens. The value arrives at its host and nowhere else, and never at the job.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createServer, type TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { makePlaceholder } from '../../src/credentials/index.js'
import { fuzzTime } from '../network/tools.js'
import { holds, VALUE } from './credential-tools.js'
import { TestAuthority } from './inspect-tools.js'
import { NO_NAMESPACE } from './namespace.js'
import { type Heard, planOf, rule, Setting } from './setting.js'

const TIME = {
  ...fuzzTime(1),
  interruptAfterTimeLimit: Math.max(6000, fuzzTime(1).interruptAfterTimeLimit),
}
const authority = new TestAuthority()

const mark = fc.constantFrom('PLACEHOLDER', 'BASIC', 'PERCENT', 'nothing', VALUE)
const target = fc.tuple(
  fc.constantFrom(
    '/',
    '/in/a',
    '/in/../out',
    '/in/%2e%2e/out',
    '/in//a',
    '/in/;/a',
    'https://NAME/in/a',
    'https://away.test/in/a',
  ),
  fc.constantFrom('', '?k=MARK', '?MARK', '?a=1&k=MARK&k=2', '#MARK'),
)
const header = fc.constantFrom(
  'Authorization: Bearer MARK',
  'Authorization: Basic MARK',
  'X-Key: MARK',
  'Cookie: a=MARK; b=c',
  'Range: bytes=0-10',
  'Accept-Encoding: gzip, br',
  'Connection: close',
  'Connection: Upgrade\r\nUpgrade: websocket',
  'Expect: 100-continue',
  'X-HTTP-Method-Override: MARK',
  'Host: away.test',
  'Content-Type: application/json',
  'Trailer: X-Sum',
)
const body = fc.constantFrom(
  '',
  'Content-Length: 4\r\n\r\nbody',
  'Content-Length: 11\r\n\r\nPLACEHOLDER',
  'Content-Length: 41\r\n\r\nMARK',
  'Transfer-Encoding: chunked\r\n\r\n4;MARK=MARK\r\nbody\r\n0\r\nX-Sum: MARK\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n29\r\nPLACEHOLDER\r\n0\r\n\r\n',
  'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
)
const request = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'HEAD', 'OPTIONS', 'get'),
    target,
    fc.uniqueArray(header, { maxLength: 3 }),
    body,
    mark,
  )
  .map(([method, [path, query], headers, rest, what]) =>
    [`${method} ${path}${query} HTTP/1.1`, 'Host: NAME', ...headers, rest === '' ? '\r\n' : rest]
      .join('\r\n')
      .replaceAll('MARK', what),
  )

/** What the host says to what it heard. */
const answer = fc.constantFrom<(heard: string, token: string) => string>(
  (heard) => `HTTP/1.1 200 OK\r\nContent-Length: ${heard.length}\r\n\r\n${heard}`,
  (heard) =>
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${heard.length.toString(16)};x=y\r\n${heard}\r\n0\r\n\r\n`,
  (_, token) => `HTTP/1.1 200 ${token}\r\nContent-Length: 0\r\n\r\n`,
  (_, token) => `HTTP/1.1 302 Found\r\nLocation: https://away.test/${token}\r\nContent-Length: 0\r\n\r\n`,
  (_, token) =>
    `HTTP/1.1 103 Early Hints\r\nLink: <${token}>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`,
  (_, token) =>
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n4;${token}\r\nbody\r\n0\r\nX: ${token}\r\n\r\n`,
  (_, token) => `HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nX: ${token}\r\nContent-Length: 0\r\n\r\n`,
  (_, token) => `HTTP/1.0 200 OK\r\n\r\n${Buffer.from(token).toString('base64')}`,
  (_, token) =>
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${token}`,
  (_, token) => `HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n${token}`,
  (_, token) =>
    `HTTP/1.1 206 Partial\r\nContent-Type: multipart/byteranges; boundary=x\r\nContent-Length: ${token.length + 8}\r\n\r\n--x\r\n\r\n\r\n${token}`,
  (_, token) => `HTTP/1.1 200 OK\r\n${token}: x\r\nRefresh: 0; ${token}\r\nContent-Length: 0\r\n\r\n`,
  () => 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nbody',
)

describe('exchanges at random with a credential held', { skip: NO_NAMESPACE }, () => {
  const setting = new Setting({
    hosts: { 'good.test': ['127.0.0.1'], 'away.test': ['127.0.0.1'] },
    authorities: [authority.pem],
  })
  let [good, away]: (Heard | null)[] = [null, null]
  let says: readonly ((heard: string, token: string) => string)[] = []
  let turn = 0
  const heard = { good: '', away: '' }

  before(async () => {
    const listening = (name: 'good' | 'away') => (socket: TLSSocket) => {
      socket.on('error', () => {})
      socket.on('data', (bytes: Buffer) => {
        const text = bytes.toString('latin1')
        heard[name] += text
        const answer = says[turn++ % says.length]
        if (answer !== undefined) socket.write(Buffer.from(answer(text, `token=${VALUE} `), 'latin1'))
      })
    }
    const serve = (name: 'good' | 'away') =>
      setting.serve(createServer({ ...authority.sign([`DNS:${name}.test`]) }, listening(name)))
    good = await serve('good')
    away = await serve('away')
  })
  after(() => setting.close())

  const talk = (name: string, port: number, texts: readonly string[]) =>
    setting.job.evaluate(
      async (require, name, port, ca, texts) => {
        const { connect } = require('node:tls') as typeof import('node:tls')
        const socket = connect({ host: name, port, servername: name, ca })
        let heard = ''
        let [last, over] = [Date.now(), false]
        socket.on('data', (chunk: Buffer) => {
          heard += chunk.toString('latin1')
          last = Date.now()
        })
        socket.on('error', () => {})
        socket.on('close', () => {
          over = true
        })
        for (const text of texts) socket.write(Buffer.from(text, 'latin1'))
        while (!over && Date.now() - last < (heard === '' ? 2000 : 80))
          await new Promise((done) => setTimeout(done, 10))
        socket.destroy()
        return heard
      },
      name,
      port,
      setting.authority,
      texts,
    )

  const uses = [
    { kind: 'bearer' },
    { kind: 'query', key: 'k' },
    { kind: 'header', name: 'x-key' },
    { kind: 'placeholder', in: ['headers', 'query', 'body'] },
  ] as const
  for (const use of uses)
    test(`${use.kind}: the value arrives at its host alone`, async () => {
      const [one, other] = [good?.port ?? 0, away?.port ?? 0]
      const placeholder = makePlaceholder()
      const more = { inspect: true, upgrade: true }
      const plan = planOf(
        [rule('good.test', { [one]: 'tls' }, more), rule('away.test', { [other]: 'tls' }, more)],
        { budget: { maxConnections: 4096, maxRate: 100_000 }, timeouts: { headMs: 300, idleMs: 300 } },
      )
      const grant = {
        name: 'TOKEN',
        hosts: [{ name: 'good.test' as never, port: one }],
        use,
        methods: ['GET', 'POST'],
        paths: ['/in/**'],
        ttlMs: null,
        uses: null,
        onReflection: 'cut',
      } as const
      const issue = {
        grant: grant as never,
        placeholder,
        value: { kind: 'value', value: VALUE } as const,
        livesMs: null,
      }
      const attachment = await setting.attach(plan, [], [issue])
      let arrived = 0
      const run = async (requests: readonly string[], answers: typeof says, at: 'good' | 'away') => {
        says = answers
        turn = 0
        Object.assign(heard, { good: '', away: '' })
        const port = at === 'good' ? one : other
        const basic = Buffer.from(`user:${placeholder}`).toString('base64')
        const texts = requests.map((each) =>
          each
            .replaceAll('NAME', `${at}.test:${port}`)
            .replaceAll('PLACEHOLDER', placeholder)
            .replaceAll('BASIC', basic)
            .replaceAll('PERCENT', placeholder.replaceAll('_', '%5F')),
        )
        const got = await talk(`${at}.test`, port, texts)
        if (holds(heard.good)) arrived += 1
        assert.ok(!holds(heard.away), heard.away)
        // what the other host says of its own accord is none that it was ever sent
        if (at === 'good') assert.ok(!holds(got), got)
        assert.ok(!setting.gateway.ended, 'the gateway is gone')
      }
      const placed = { header: 'X-Key: a\r\n', query: '', bearer: '', placeholder: 'X: PLACEHOLDER\r\n' }[
        use.kind
      ]
      await run(
        [`GET /in/a HTTP/1.1\r\nHost: NAME\r\n${placed}\r\n`],
        [(text) => `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${text.slice(0, 2)}`],
        'good',
      )
      assert.equal(arrived, 1, 'control: it arrives where it is for')
      await fc.assert(
        fc.asyncProperty(
          fc.array(request, { minLength: 1, maxLength: 3 }),
          fc.array(answer, { minLength: 1, maxLength: 3 }),
          fc.constantFrom('good' as const, 'away' as const),
          run,
        ),
        { ...TIME, interruptAfterTimeLimit: TIME.interruptAfterTimeLimit / uses.length },
      )
      assert.ok(!JSON.stringify((await attachment.end()).attempts).includes(VALUE))
    })
})
