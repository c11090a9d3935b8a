/** Requests of a hostile job, and answers of a hostile host. Nothing of what is refused reaches the host. */
import assert from 'node:assert/strict'
import { createServer as createHttp, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { NO_NAMESPACE } from './namespace.js'
import { find, type Heard, line, planOf, rule, Setting, summary, talk } from './setting.js'

/** `CURLE_RECV_ERROR`: reset, where an end would have been a whole body. */
const CURL_RECV_ERROR = 56

describe('clear HTTP', { skip: NO_NAMESPACE }, () => {
  const setting = new Setting({ hosts: { 'good.test': ['127.0.0.1'], 'other.test': ['127.0.0.1'] } })
  const { job } = setting
  let host: Heard
  let seen: { readonly url: string; readonly method: string; readonly body: string }[] = []

  before(async () => {
    host = await setting.serve(
      createHttp((request, response) => {
        let body = ''
        request.on('data', (chunk) => {
          body += chunk
        })
        request.on('end', () => {
          seen.push({ url: request.url ?? '', method: request.method ?? '', body })
          response.end(`you asked ${request.url}`)
        })
      }),
    )
  })
  after(() => setting.close())

  const asking = async (
    text: string,
    more: Parameters<typeof rule>[2] = {},
    plan: Parameters<typeof planOf>[1] = {},
  ) => {
    seen = []
    const result = await setting.during(
      planOf([rule('good.test', { [host.port]: 'http' }, more)], plan),
      () => talk(job, { host: 'good.test', port: host.port }, [line(text)], { waitMs: 1200 }),
    )
    return { ...result, seen }
  }
  const head = (first: string, ...lines: string[]) => [first, ...lines, '', ''].join('\r\n')
  const HOST = () => `Host: good.test:${host.port}`

  test('control: a plain request is answered', async () => {
    const { value, seen } = await asking(head('GET /x HTTP/1.1', HOST(), 'Connection: close'))
    assert.match(value.received, /^HTTP\/1\.1 200 OK[\s\S]*you asked \/x$/)
    assert.equal(seen.length, 1)
  })

  const attacks: Readonly<Record<string, () => readonly [string, string, Parameters<typeof rule>[2]?]>> = {
    'a length and chunks at once': () => [
      head('POST /x HTTP/1.1', HOST(), 'Content-Length: 4', 'Transfer-Encoding: chunked') +
        '0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n',
      'denyRequest',
    ],
    'two lengths': () => [
      `${head('POST /x HTTP/1.1', HOST(), 'Content-Length: 4', 'Content-Length: 40')}abcd`,
      'denyRequest',
    ],
    'an odd coding': () => [
      `${head('POST /x HTTP/1.1', HOST(), 'Transfer-Encoding: xchunked')}abcd`,
      'denyRequest',
    ],
    'a folded line': () => [head('GET /x HTTP/1.1', HOST(), 'X: a', ' Host: other.test'), 'denyRequest'],
    'a space before the colon': () => [head('GET /x HTTP/1.1', HOST(), 'Content-Length : 4'), 'denyRequest'],
    'two Host lines': () => [head('GET /x HTTP/1.1', HOST(), 'Host: other.test'), 'denyHost'],
    'no Host': () => [head('GET /x HTTP/1.1'), 'denyHost'],
    'another Host': () => [head('GET /x HTTP/1.1', 'Host: other.test'), 'denyHost'],
    'an absolute form for another host': () => [head('GET http://other.test/x HTTP/1.1', HOST()), 'denyHost'],
    CONNECT: () => [head('CONNECT other.test:443 HTTP/1.1', HOST()), 'denyConnect'],
    'an upgrade that the rule has not': () => [
      head('GET /x HTTP/1.1', HOST(), 'Connection: Upgrade', 'Upgrade: websocket'),
      'denyUpgrade',
    ],
    'a method that the rule has not': () => [
      head('DELETE /x HTTP/1.1', HOST()),
      'denyMethod',
      { methods: ['GET'] },
    ],
    'a path that the rule has not': () => [head('GET /b HTTP/1.1', HOST()), 'denyPath', { paths: ['/a/**'] }],
    'a path that climbs out': () => [head('GET /a/../b HTTP/1.1', HOST()), 'denyPath', { paths: ['/a/**'] }],
    'a path that climbs out in percent': () => [
      head('GET /a/%2e%2e/b HTTP/1.1', HOST()),
      'denyPath',
      { paths: ['/a/**'] },
    ],
    'HTTP/2 without TLS': () => ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'denyRequest'],
    'no HTTP at all': () => ['\x16\x03\x01\x00\x05hello', 'denyRequest'],
    'a head without end': () => [`GET /x HTTP/1.1\r\n${HOST()}\r\nX: ${'a'.repeat(100_000)}`, 'denyRequest'],
    'a thousand headers': () => [
      head('GET /x HTTP/1.1', HOST(), ...Array.from({ length: 1000 }, (_, n) => `X${n}: a`)),
      'denyRequest',
    ],
  }
  for (const [what, make] of Object.entries(attacks))
    test(`${what} is refused, and the host hears nothing of it`, async () => {
      const [text, verdict, more] = make()
      const { attempts, value, seen } = await asking(text, more)
      assert.deepEqual(seen, [])
      assert.ok(find(attempts, verdict), `${JSON.stringify(attempts)} ${value.received}`)
      assert.doesNotMatch(value.received, /you asked|good\.test|network\.allow/)
    })

  test('what is sent ahead is judged by itself: a second request for another host gets nothing', async () => {
    const { attempts, value, seen } = await asking(
      head('GET /one HTTP/1.1', HOST()) +
        head('GET /two HTTP/1.1', 'Host: other.test') +
        head('GET /three HTTP/1.1', HOST(), 'Connection: close'),
    )
    assert.deepEqual(seen.map(({ url }) => url).sort(), ['/one', '/three'])
    assert.ok(find(attempts, 'denyHost'))
    assert.match(value.received, /200 OK[\s\S]*\/one[\s\S]*403 Forbidden[\s\S]*\/three/)
  })

  /** One job's bytes must not end the process that is the network of all of them. */
  for (const [what, ahead] of [
    ['CONNECT', () => head('CONNECT x.test:80 HTTP/1.1', HOST())],
    ['an upgrade', () => head('GET /ws HTTP/1.1', HOST(), 'Connection: Upgrade', 'Upgrade: websocket')],
  ] as const)
    test(`${what} that is sent ahead of another's answer breaks that connection, and no more`, async () => {
      const { attempts, value } = await asking(head('GET /one HTTP/1.1', HOST()) + ahead(), { upgrade: true })
      assert.equal(value.end, 'reset')
      assert.ok(find(attempts, 'denyRequest'))
      assert.ok(!setting.gateway.ended, 'the gateway is gone')
      const after = await asking(head('GET /two HTTP/1.1', HOST(), 'Connection: close'))
      assert.match(after.value.received, /you asked \/two$/)
    })

  test('requests ahead that change from rule to rule hold no connection that is not counted', async () => {
    let [open, most] = [0, 0]
    const silent = await setting.server((socket) => {
      most = Math.max(most, ++open)
      socket.on('close', () => open--)
      socket.on('end', () => socket.end())
      socket.resume()
    })
    const one = { maxUploadBytes: null, maxDownloadBytes: null, maxConnections: 1, maxRate: null }
    const port = { [silent.port]: 'http' } as const
    const plan = planOf([
      rule('good.test', port, { methods: ['GET'], budget: one }),
      rule('good.test', port, { name: 'network.allow[1]', methods: ['DELETE'], budget: one }),
    ])
    const ahead = Array.from({ length: 14 }, (_, each) =>
      head(`${each % 2 ? 'GET' : 'DELETE'} /${each} HTTP/1.1`, `Host: good.test:${silent.port}`),
    )
    await setting.during(plan, () =>
      talk(job, { host: 'good.test', port: silent.port }, [line(ahead.join(''))], { waitMs: 800 }),
    )
    assert.ok(most <= 2, `${most} connections at once`)
  })

  test('a request that hides in the body of another arrives as that body', async () => {
    const hidden = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n'
    const { seen } = await asking(
      head('POST /x HTTP/1.1', HOST(), `Content-Length: ${hidden.length}`, 'Connection: close') + hidden,
    )
    assert.deepEqual(seen, [{ url: '/x', method: 'POST', body: hidden }])
  })

  test('a body that breaks off does not arrive as a whole one', async () => {
    const { seen } = await asking(
      `${head('POST /x HTTP/1.1', HOST(), 'Content-Length: 100')}only this`,
      {},
      { timeouts: { idleMs: 600 } },
    )
    assert.deepEqual(seen, [])
  })

  test('a head that trickles in has `timeouts.head` for all of it', async () => {
    const bytes = [...head('GET /x HTTP/1.1', HOST())].map((each) => line(each, 40))
    const { attempts, value } = await setting.during(
      planOf([rule('good.test', { [host.port]: 'http' })], { timeouts: { headMs: 400 } }),
      () => talk(job, { host: 'good.test', port: host.port }, bytes),
    )
    assert.equal(value.end, 'reset')
    assert.ok(find(attempts, 'denyTimeout'))
  })

  /** What a host says, and what the job may see of it. */
  const answering = async (say: (socket: Socket) => void, plan: Parameters<typeof planOf>[1] = {}) => {
    const hostile = await setting.server((socket) => {
      socket.once('data', () => say(socket))
    })
    return setting.during(planOf([rule('good.test', { [hostile.port]: 'http' })], plan), () =>
      talk(
        job,
        { host: 'good.test', port: hostile.port },
        [line(`GET / HTTP/1.1\r\nHost: good.test:${hostile.port}\r\n\r\n`)],
        { waitMs: 1500 },
      ),
    )
  }

  test('a host that answers garbage, or a head without end, is a 502, and its bytes stop here', async () => {
    for (const bytes of [
      'SSH-2.0-garbage\r\n',
      `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(1 << 17)}`,
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nfree bytes',
    ]) {
      const { attempts, value } = await answering((socket) => socket.write(bytes))
      assert.match(value.received, /^HTTP\/1\.1 502 Bad Gateway\r\n[\s\S]*\r\n\r\n$/, bytes.slice(0, 30))
      assert.ok(attempts[0]?.problem, JSON.stringify(attempts))
    }
  })

  test('an answer that breaks off breaks off for the job, too', async () => {
    const { value } = await answering((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this')
      setTimeout(() => socket.destroy(), 100)
    })
    assert.match(value.received, /only this$/)
    assert.notEqual(value.end, 'silent')
  })

  test('an answer ends where the gateway says: hop-by-hop lines stay behind', async () => {
    const { value } = await answering((socket) =>
      socket.write(
        'HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nAlt-Svc: h3=":443"\r\nKeep-Alive: x\r\nX-Kept: 2\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n',
      ),
    )
    assert.match(value.received, /X-Kept: 2/)
    assert.doesNotMatch(value.received, /X-Hop|Alt-Svc|X-Trailer|Keep-Alive: x/)
    assert.match(value.received, /abc/)
  })

  test('an endless body is cut by the budget, and one that stalls by `timeouts.idle`', async () => {
    const endless = (socket: Socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const more = () => {
        while (socket.writable && socket.write(Buffer.alloc(65536)));
      }
      socket.on('drain', more)
      more()
    }
    const endlessly = await setting.server((socket) => {
      socket.once('data', () => endless(socket))
    })
    const limited = planOf([rule('good.test', { [endlessly.port]: 'http' })], {
      budget: { maxDownloadBytes: 1 << 20 },
    })
    // by curl: libuv takes a reset for an end where it has just read (uv__stream_io, POLLHUP after a partial read)
    const cut = await setting.during(limited, () =>
      job.run([
        'curl',
        '-sS',
        '-m',
        '10',
        '-o',
        '/dev/null',
        '-w',
        '%{size_download}',
        `http://good.test:${endlessly.port}/`,
      ]),
    )
    assert.equal(cut.value.status, CURL_RECV_ERROR, cut.value.stderr)
    assert.ok(find(cut.attempts, 'denyBudget'))
    assert.ok(Number(cut.value.stdout) <= 1 << 20)
    const stalls = await answering((socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nbegun'), {
      timeouts: { idleMs: 400 },
    })
    assert.equal(stalls.value.end, 'reset')
    assert.ok(find(stalls.attempts, 'denyTimeout'))
  })

  test('a redirect is the job’s to follow, and each hop a new verdict', async () => {
    const redirecting = await setting.serve(
      createHttp((_request: IncomingMessage, response) => {
        response.writeHead(302, { Location: `http://169.254.169.254:${host.port}/latest` }).end()
      }),
    )
    const { attempts, value } = await setting.during(
      planOf([rule('good.test', { [redirecting.port]: 'http', [host.port]: 'http' })]),
      () => job.run(['curl', '-sSL', '-m', '3', `http://good.test:${redirecting.port}/`]),
    )
    assert.notEqual(value.status, 0)
    assert.deepEqual(summary(attempts), ['http good.test allow', 'tcp 169.254.169.254 denyMetadata'])
  })
})
