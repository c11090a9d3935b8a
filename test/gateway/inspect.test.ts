/** With `inspect: true` TLS ends in the gateway: what is inside is held to the rule, and the host is verified as the job would have to. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createSecureServer, type ServerHttp2Stream } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { NetworkRule } from '../../src/plan/index.js'
import { sharedFolder } from '../support/checkout.js'
import { type Asked, askHttp1, askHttp2, TestAuthority } from './inspect-tools.js'
import { NO_NAMESPACE } from './namespace.js'
import { find, type Heard, planOf, rule, Setting, summary } from './setting.js'

const authority = new TestAuthority()
const here = [
  'good.test',
  'wrong.test',
  'old.test',
  'early.test',
  'own.test',
  'bare.test',
  'other.test',
  'plain.test',
]
const setting = new Setting({
  hosts: Object.fromEntries(here.map((name) => [name, ['127.0.0.1']])),
  authorities: [authority.pem],
})
const { job } = setting
const pinned = join(sharedFolder(), 'pinned.pem')
writeFileSync(pinned, authority.pem)
const VERSIONS = { 'HTTP/1.1': askHttp1, 'HTTP/2': askHttp2 } as const

/** What a host of either version was asked: `GET /path`. */
const heard: string[] = []
const said: Record<string, unknown>[] = []

describe('TLS that is looked into', { skip: NO_NAMESPACE }, () => {
  const hosts: Record<string, Heard> = {}

  before(async () => {
    const answer = (
      request: import('node:http2').Http2ServerRequest,
      response: import('node:http2').Http2ServerResponse,
    ) => {
      heard.push(`${request.method} ${request.url}`)
      said.push({
        ...request.headers,
        host: request.headers.host ?? request.authority,
        version: request.httpVersion,
      })
      let bytes = 0
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      request.on('end', () => {
        response.setHeader('alt-svc', 'h3=":443"')
        response.setHeader('set-cookie', ['a=1', 'b=2'])
        if (request.url === '/big') return response.end('x'.repeat(1 << 20))
        response.end(`${request.httpVersion} ${request.method} ${request.url} ${bytes}`)
      })
    }
    const both = { ...authority.sign(['DNS:good.test', 'DNS:other.test']), allowHTTP1: true }
    hosts.good = await setting.serve(createSecureServer(both, answer as never))
    hosts.plain = await setting.serve(createHttps(authority.sign(['DNS:plain.test']), answer as never))
    hosts.wrong = await setting.serve(createHttps(authority.sign(['DNS:someone-else.test']), answer as never))
    hosts.old = await setting.serve(
      createHttps(
        authority.sign(['DNS:old.test'], { from: '20200101000000Z', to: '20200201000000Z' }),
        answer as never,
      ),
    )
    hosts.early = await setting.serve(
      createHttps(
        authority.sign(['DNS:early.test'], { from: '20980101000000Z', to: '20990101000000Z' }),
        answer as never,
      ),
    )
    hosts.own = await setting.serve(createHttps(new TestAuthority().sign(['DNS:own.test']), answer as never))
    hosts.bare = await setting.serve(
      createHttps(authority.sign([], { commonName: 'bare.test' }), answer as never),
    )
  })
  after(() => setting.close())

  const inspected = (name: string, port: number, more: Partial<NetworkRule> = {}) =>
    rule(name, { [port]: 'tls' }, { inspect: true, ...more })

  /** Asks under rules for good.test, and gives what came of it. */
  async function asking(
    version: keyof typeof VERSIONS,
    requests: readonly Asked[],
    more: Partial<NetworkRule> = {},
    limits: Parameters<typeof planOf>[1] = {},
  ) {
    const port = hosts.good!.port
    heard.length = 0
    said.length = 0
    return setting.during(planOf([inspected('good.test', port, more)], limits), () =>
      VERSIONS[version](job, { port, ca: setting.authority }, requests),
    )
  }

  for (const version of ['HTTP/1.1', 'HTTP/2'] as const) {
    const number = version.slice(5) === '2' ? '2.0' : '1.1'

    test(`${version}: what the rule has goes on in that version, and each request is on record`, async () => {
      const { value, attempts } = await asking(version, [
        { path: '/a?b' },
        { method: 'POST', path: '/c', body: 'four' },
      ])
      assert.deepEqual(
        value.map(({ status, body }) => [status, body]),
        [
          [200, `${number} GET /a?b 0`],
          [200, `${number} POST /c 4`],
        ],
      )
      assert.deepEqual(
        attempts
          .map(({ protocol, method, path, verdict, port }) => [protocol, method, path, verdict, port])
          .sort(),
        [
          ['https', 'GET', '/a?b', 'allow', hosts.good!.port],
          ['https', 'POST', '/c', 'allow', hosts.good!.port],
        ],
      )
      assert.ok(attempts.every(({ method, sentBytes }) => method === 'GET' || sentBytes >= 4))
    })

    test(`${version}: headers arrive as they were, but for offers of other ways`, async () => {
      const headers = { 'x-one': 'a', 'x-many': ['b', 'c'], cookie: 'k=v', te: 'trailers' }
      const { value } = await asking(version, [{ headers }])
      assert.equal(value[0]?.status, 200, JSON.stringify(value))
      assert.equal(value[0]?.headers['alt-svc'], undefined)
      assert.deepEqual(value[0]?.headers['set-cookie'], ['a=1', 'b=2'])
      assert.equal(said[0]?.['x-one'], 'a')
      assert.equal(said[0]?.['x-many'], 'b, c')
      assert.equal(said[0]?.cookie, 'k=v')
      assert.equal(said[0]?.host, `good.test:${hosts.good!.port}`)
    })

    test(`${version}: another method, another path and a path in disguise are refused, and the host hears nothing`, async () => {
      const requests = [
        { path: '/pub/x' },
        { method: 'DELETE', path: '/pub/x' },
        { path: '/private' },
        { path: '/pub/%2e%2e/private' },
        { path: '/pub/..%2fprivate' },
        { path: '/pub/x', headers: { 'x-http-method-override': 'DELETE' } },
        { path: '/pub/x', headers: { 'x-original-url': '/private' } },
      ]
      const { value, attempts } = await asking(version, requests, { methods: ['GET'], paths: ['/pub/**'] })
      assert.deepEqual(
        value.map(({ status }) => status),
        [200, 405, 403, 403, 403, 405, 403],
      )
      assert.deepEqual(heard, ['GET /pub/x'])
      assert.equal(attempts.filter(({ verdict }) => verdict === 'denyPath').length, 4)
      assert.equal(attempts.filter(({ verdict }) => verdict === 'denyMethod').length, 2)
    })

    test(`${version}: a request for another host on the verified connection is refused (fronting, coalescing)`, async () => {
      const name = version === 'HTTP/2' ? ':authority' : 'host'
      const port = hosts.good!.port
      // the host's certificate is good for other.test as well: a browser would coalesce
      const others = [
        'other.test',
        `other.test:${port}`,
        'good.test:1',
        'good.test.evil.test',
        'user@good.test',
        '127.0.0.1',
      ]
      const requests = [{ path: '/first' }, ...others.map((other) => ({ headers: { [name]: other } }))]
      const { value, attempts } = await asking(version, requests)
      assert.deepEqual(
        value.map(({ status }) => status),
        [200, ...others.map(() => 403)],
        JSON.stringify(value),
      )
      assert.deepEqual(heard, ['GET /first'])
      const refused = attempts.filter(({ verdict }) => verdict === 'denyHost')
      assert.equal(
        refused.reduce((sum, { count }) => sum + count, 0),
        others.length,
      )
    })

    test(`${version}: a body beyond the budget is cut off, and so is an answer`, async () => {
      const up = await asking(version, [{ method: 'POST', path: '/up', body: 'x'.repeat(200_000) }], {
        budget: { maxUploadBytes: 100_000, maxDownloadBytes: null, maxConnections: null, maxRate: null },
      })
      assert.notEqual(up.value[0]?.status, 200)
      assert.ok(find(up.attempts, 'denyBudget'), JSON.stringify(up.attempts))
      const down = await asking(version, [{ path: '/big' }], {
        budget: { maxUploadBytes: null, maxDownloadBytes: 100_000, maxConnections: null, maxRate: null },
      })
      assert.ok((down.value[0]?.body.length ?? 0) <= 100_000)
      assert.notEqual(down.value[0]?.error, '', 'the job must not take a part for the whole')
      assert.ok(find(down.attempts, 'denyBudget'), JSON.stringify(down.attempts))
    })

    test(`${version}: a large answer arrives whole`, async () => {
      const { value } = await asking(version, [{ path: '/big' }])
      assert.equal(value[0]?.body.length, 1 << 20)
    })

    test(`${version}: a connection beyond the rule’s is told so`, async () => {
      const { value, attempts } = await asking(version, [{}], {
        budget: { maxUploadBytes: null, maxDownloadBytes: null, maxConnections: 0, maxRate: null },
      })
      assert.equal(value[0]?.status, 403)
      assert.ok(find(attempts, 'denyBudget'))
      assert.deepEqual(heard, [])
    })

    test(`${version}: one connection of the rule is one, ahead of the request and in it`, async () => {
      const one = { maxUploadBytes: null, maxDownloadBytes: null, maxConnections: 1, maxRate: null }
      const { value } = await asking(version, [{}, {}], { budget: one })
      assert.deepEqual(
        value.map(({ status }) => status),
        [200, 200],
      )
    })
  }

  test('a host that speaks HTTP/1.1 only is spoken to in it, by a job that offers both', async () => {
    const port = hosts.plain!.port
    const { value, attempts } = await setting.during(planOf([inspected('plain.test', port)]), () =>
      job.evaluate(
        async (require, port, ca) => {
          const { connect } = require('node:tls') as typeof import('node:tls')
          const socket = connect({
            host: 'plain.test',
            port,
            servername: 'plain.test',
            ca,
            ALPNProtocols: ['h2', 'http/1.1'],
          })
          await new Promise((done, fail) => socket.once('secureConnect', done).once('error', fail))
          const protocol = socket.alpnProtocol
          socket.write(`GET / HTTP/1.1\r\nHost: plain.test:${port}\r\nConnection: close\r\n\r\n`)
          let text = ''
          for await (const chunk of socket) text += chunk
          return { protocol, text }
        },
        port,
        setting.authority,
      ),
    )
    assert.equal(value.protocol, 'http/1.1')
    assert.match(value.text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*1\.1 GET \/ 0/)
    assert.deepEqual(summary(attempts), ['https plain.test allow'])
  })

  const certificates = {
    'for another name': 'wrong',
    'that is over': 'old',
    'that has not begun': 'early',
    'of an authority that this host does not trust': 'own',
    'with the name in its common name alone': 'bare',
  }
  for (const [what, host] of Object.entries(certificates))
    test(`a certificate ${what} is refused: denyCertificate, 403, and no request reaches the host`, async () => {
      const port = hosts[host]!.port
      heard.length = 0
      const { value, attempts } = await setting.during(planOf([inspected(`${host}.test`, port)]), () =>
        askHttp1(job, { port, ca: setting.authority, name: `${host}.test` }, [{ path: '/secret' }]),
      )
      assert.equal(value[0]?.status, 403, JSON.stringify(value))
      assert.deepEqual(heard, [])
      const attempt = find(attempts, 'denyCertificate')
      assert.ok(attempt, JSON.stringify(attempts))
      assert.match(attempt.problem ?? '', /^(CERT_|ERR_TLS_CERT_ALTNAME_INVALID|UNABLE_TO|SELF_SIGNED)/)
    })

  test('a job that trusts another authority only ends the handshake: denyHandshake, with what to write', async () => {
    const port = hosts.good!.port
    heard.length = 0
    const { value, attempts } = await setting.during(planOf([inspected('good.test', port)]), () =>
      job.run(['curl', '-sS', '--cacert', pinned, `https://good.test:${port}/`]),
    )
    assert.equal(value.status, 60, value.stderr)
    assert.match(find(attempts, 'denyHandshake')?.hint ?? '', /without `inspect: true`/)
    assert.deepEqual(heard, [])
  })

  test('what is no HTTP inside TLS does not go on', async () => {
    const port = hosts.good!.port
    const { value, attempts } = await setting.during(planOf([inspected('good.test', port)]), () =>
      job.evaluate(
        async (require, port, ca) => {
          const { connect } = require('node:tls') as typeof import('node:tls')
          const socket = connect({ host: 'good.test', port, servername: 'good.test', ca })
          await new Promise((done, fail) => socket.once('secureConnect', done).once('error', fail))
          socket.write('SSH-2.0-OpenSSH_9.2\r\n\r\n')
          let text = ''
          try {
            for await (const chunk of socket) text += chunk
          } catch {}
          return text
        },
        port,
        setting.authority,
      ),
    )
    assert.match(value, /^HTTP\/1\.1 400 /)
    assert.ok(find(attempts, 'denyRequest'), JSON.stringify(attempts))
  })

  test('TLS 1.1 and an offer of another protocol than HTTP are refused', async () => {
    const port = hosts.good!.port
    const { value, attempts } = await setting.during(planOf([inspected('good.test', port)]), async () => {
      const tls = await job.run([
        'openssl',
        's_client',
        '-connect',
        `good.test:${port}`,
        '-servername',
        'good.test',
        '-tls1_1',
        '-cipher',
        'ALL:@SECLEVEL=0',
      ])
      const alpn = await job.run([
        'openssl',
        's_client',
        '-connect',
        `good.test:${port}`,
        '-servername',
        'good.test',
        '-alpn',
        'acme-tls/1',
      ])
      return [tls.status, alpn.status]
    })
    assert.ok(value.every((status) => status !== 0))
    assert.deepEqual(summary(attempts).sort(), [
      'tls good.test allow',
      'tls good.test denyHandshake',
      'tls good.test denyProtocol',
    ])
  })

  test('a connection on which nothing is asked is on record, with the host that was reached for it', async () => {
    const port = hosts.good!.port
    const { attempts } = await setting.during(planOf([inspected('good.test', port)]), () =>
      job.evaluate(
        async (require, port, ca) => {
          const { connect } = require('node:tls') as typeof import('node:tls')
          const socket = connect({ host: 'good.test', port, servername: 'good.test', ca })
          await new Promise((done, fail) => socket.once('secureConnect', done).once('error', fail))
          await new Promise((done) => setTimeout(done, 200))
          socket.destroy()
          await new Promise((done) => setTimeout(done, 200))
        },
        port,
        setting.authority,
      ),
    )
    assert.deepEqual(summary(attempts), ['tls good.test allow'])
    assert.equal(attempts[0]?.address, '127.0.0.1')
  })

  test('gRPC: streams both ways at once, trailers, and a status behind them', async () => {
    const server = createSecureServer(authority.sign(['DNS:good.test']))
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () =>
        stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': `${headers.te}` }),
      )
      stream.on('data', (chunk: Buffer) => stream.write(`echo ${chunk}`))
      stream.on('end', () => stream.end())
    })
    const { port } = await setting.serve(server)
    const { value } = await setting.during(planOf([inspected('good.test', port)]), () =>
      job.evaluate(
        async (require, port, ca) => {
          const { connect } = require('node:http2') as typeof import('node:http2')
          const session = connect(`https://good.test:${port}`, { ca })
          const stream = session.request({
            ':method': 'POST',
            ':path': '/a.B/C',
            te: 'trailers',
            'content-type': 'application/grpc',
          })
          const echoed: string[] = []
          let trailers = {}
          stream.setEncoding('utf8')
          stream.on('trailers', (fields) => {
            trailers = { ...fields }
          })
          stream.write('one')
          await new Promise<void>((done) =>
            stream
              .on('data', (chunk: string) => {
                echoed.push(chunk)
                if (echoed.length === 1) stream.write('two')
                if (echoed.length === 2) stream.end()
              })
              .once('close', () => done()),
          )
          session.close()
          return { echoed, trailers: JSON.stringify(trailers) }
        },
        port,
        setting.authority,
      ),
    )
    assert.deepEqual(value.echoed, ['echo one', 'echo two'])
    assert.deepEqual(JSON.parse(value.trailers), { 'grpc-status': '0', 'grpc-message': 'trailers' })
  })

  test('a WebSocket passes where the rule says `upgrade: true`, and only there', async () => {
    const server = createHttps(authority.sign(['DNS:good.test']))
    server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.on('data', (chunk: Buffer) => socket.write(`echo ${chunk}`))
      socket.on('error', () => {})
    })
    const { port } = await setting.serve(server)
    const upgrading = (upgrade: boolean) =>
      setting.during(planOf([inspected('good.test', port, { upgrade })]), () =>
        job.evaluate(
          async (require, port, ca) => {
            const { request } = require('node:https') as typeof import('node:https')
            const headers = {
              connection: 'Upgrade',
              upgrade: 'websocket',
              'sec-websocket-key': 'x',
              'sec-websocket-version': '13',
            }
            const asking = request({ host: 'good.test', port, ca, headers })
            asking.end()
            return new Promise<string>((resolve) => {
              asking.on('response', (answer) => resolve(`${answer.statusCode}`))
              asking.on('error', (error) => resolve(error.message))
              asking.on('upgrade', (_answer, socket) => {
                socket.once('data', (chunk) => {
                  socket.destroy()
                  resolve(`${chunk}`)
                })
                socket.write('hello')
              })
            })
          },
          port,
          setting.authority,
        ),
      )
    assert.equal((await upgrading(true)).value, 'echo hello')
    const refused = await upgrading(false)
    assert.equal(refused.value, '403')
    assert.ok(find(refused.attempts, 'denyUpgrade'))
  })

  test('over HTTP/2 neither CONNECT passes, extended or not', async () => {
    const port = hosts.good!.port
    const { value, attempts } = await setting.during(
      planOf([inspected('good.test', port, { upgrade: true })]),
      () =>
        job.evaluate(
          async (require, port, ca) => {
            const { connect } = require('node:http2') as typeof import('node:http2')
            const session = connect(`https://good.test:${port}`, { ca })
            session.on('error', () => {})
            const settings = await new Promise<import('node:http2').Settings>((done) =>
              session.once('remoteSettings', done),
            )
            const stream = session.request({ ':method': 'CONNECT', ':authority': 'evil.test:443' })
            const status = await new Promise((done) => {
              stream.once('response', (fields) => done(fields[':status']))
              stream.once('error', () => done('reset'))
            })
            session.destroy()
            return { extended: settings.enableConnectProtocol, push: settings.enablePush, status }
          },
          port,
          setting.authority,
        ),
    )
    assert.notEqual(value.extended, true)
    assert.equal(value.status, 405)
    assert.ok(find(attempts, 'denyConnect'))
  })

  test('streams that are taken back as fast as they are made end the connection, and nobody else’s', async () => {
    const port = hosts.good!.port
    const plan = planOf([inspected('good.test', port)])
    heard.length = 0
    const { value, attempts } = await setting.during(plan, async () => {
      const flooded = await job.evaluate(
        async (require, port, ca) => {
          const { connect } = require('node:http2') as typeof import('node:http2')
          const session = connect(`https://good.test:${port}`, { ca })
          session.on('error', () => {})
          await new Promise((done) => session.once('connect', done))
          let made = 0
          for (let round = 0; round < 200 && !session.destroyed; round++) {
            for (let count = 0; count < 20 && !session.destroyed && !session.closed; count++) {
              made += 1
              const stream = session.request({ ':path': '/big' })
              stream.on('error', () => {})
              stream.close(8)
            }
            await new Promise((done) => setTimeout(done, 10))
          }
          // Node's client does not always notice, so the kernel is asked
          const { execFileSync } = require('node:child_process') as typeof import('node:child_process')
          const left = execFileSync('ss', [
            '-Htn',
            'state',
            'established',
            'dport',
            '=',
            `:${port}`,
          ]).toString()
          session.destroy()
          return { left, made }
        },
        port,
        setting.authority,
      )
      const [other] = await askHttp2(job, { port, ca: setting.authority }, [{ path: '/after' }])
      return { ...flooded, after: other?.status }
    })
    assert.equal(value.left, '', JSON.stringify({ value, attempts }))
    assert.match(find(attempts, 'denyRequest')?.problem ?? '', /taken back/)
    assert.ok(heard.length < 1000, `${heard.length} of ${value.made} requests reached the host`)
    assert.equal(value.after, 200)
  })

  test('when the sandbox ends, so do its inspected connections, and what was under way is on record', async () => {
    const server = createSecureServer(authority.sign(['DNS:good.test']), (_request, response) => {
      response.writeHead(200)
      response.write('begun')
    })
    const { port } = await setting.serve(server)
    const attachment = await setting.attach(planOf([inspected('good.test', port)]))
    const asking = job.evaluate(
      async (require, port, ca) => {
        const { connect } = require('node:http2') as typeof import('node:http2')
        const session = connect(`https://good.test:${port}`, { ca })
        session.on('error', () => {})
        const stream = session.request({ ':path': '/endless' })
        stream.on('error', () => {})
        stream.resume()
        await new Promise<void>((done) => session.once('close', () => done()))
        return 'closed'
      },
      port,
      setting.authority,
    )
    await new Promise((done) => server.once('request', done))
    await new Promise((done) => setTimeout(done, 100))
    const { attempts } = await attachment.end()
    assert.equal(await asking, 'closed')
    assert.deepEqual(summary(attempts), ['https good.test allow'])
    assert.ok((attempts[0]?.receivedBytes ?? 0) >= 5)
  })
})
