/**
 * Streams of HTTP/2 at random with a credential held, several at once: to the credential's host, which repeats all that it hears in each part
 * of an answer, and to another, which listens. The value arrives at its host and nowhere else, and never at the job.
 */
import assert from 'node:assert/strict'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { fuzzTime } from '../network/tools.js'
import { CredentialHost, holds, holdsValue, VALUE } from './credential-tools.js'
import { type Asked, askHttp2, TestAuthority } from './inspect-tools.js'
import { NO_NAMESPACE } from './namespace.js'
import { type Heard, planOf, rule } from './setting.js'

const TIME = {
  ...fuzzTime(1),
  interruptAfterTimeLimit: Math.max(6000, fuzzTime(1).interruptAfterTimeLimit),
}

const mark = fc.constantFrom('PLACEHOLDER', 'BASIC', 'PERCENT', 'nothing', VALUE)
const path = fc.tuple(
  fc.constantFrom('/', '/in/a', '/in/../out', '/in/%2e%2e/out', '/in//a', '/in/;/a', '*', '//away.test/in/a'),
  fc.constantFrom('', '?k=MARK', '?MARK', '?a=1&k=MARK&k=2'),
)
const field = fc.constantFrom<readonly [string, string | readonly string[]]>(
  ['authorization', 'Bearer MARK'],
  ['authorization', 'Basic MARK'],
  ['x-key', ['MARK', 'MARK']],
  ['x-key', 'MARK'],
  ['x_key', 'MARK'],
  ['cookie', ['a=MARK', 'b=c']],
  [':authority', 'away.test'],
  [':scheme', 'http'],
  ['host', 'away.test'],
  ['accept-encoding', 'gzip, br'],
  ['range', 'bytes=0-10'],
  ['te', 'trailers'],
  ['content-type', 'application/grpc'],
  ['content-length', '4'],
)
const asked = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'get'),
    path,
    fc.array(field, { maxLength: 3 }),
    fc.constantFrom(undefined, '', 'body', 'k=MARK', '{"k":"MARK"}'),
    mark,
  )
  .map(([method, [place, query], fields, body, what]): Asked => {
    const marked = <T>(value: T): T => JSON.parse(JSON.stringify(value).replaceAll('MARK', what)) as T
    const headers = Object.fromEntries(marked(fields))
    return {
      method,
      path: marked(`${place}${query}`),
      headers,
      ...(body === undefined ? {} : { body: marked(body) }),
    }
  })

type Says = (response: Http2ServerResponse, heard: string, token: string) => void
const SAYS: readonly Says[] = [
  (response, heard) => response.end(heard),
  (response, heard) => {
    for (let at = 0; at < heard.length; at += 7) response.write(heard.slice(at, at + 7))
    response.end()
  },
  (response, heard) => response.end(Buffer.from(heard).toString('base64')),
  (response, heard) => response.end(JSON.stringify({ heard })),
  (response, _, token) => {
    response.setHeader('x-echo', token)
    response.end('ok')
  },
  (response, _, token) => {
    response.setHeader('location', `https://away.test/${encodeURIComponent(token)}`)
    response.writeHead(302)
    response.end()
  },
  (response, _, token) => {
    response.addTrailers({ 'grpc-message': token })
    response.end('message')
  },
  (response, _, token) => {
    response.stream.additionalHeaders({ ':status': 103, link: `<${encodeURIComponent(token)}>` })
    response.end('ok')
  },
  (response, heard) => {
    response.setHeader('content-encoding', 'gzip')
    response.end(heard)
  },
  (response, heard) => {
    response.write(heard)
    response.stream.close(2)
  },
]

describe('streams at random with a credential held', { skip: NO_NAMESPACE }, () => {
  const authority = new TestAuthority()
  const host = new CredentialHost(authority)
  const { setting } = host
  let [good, away]: (Heard | null)[] = [null, null]
  let says: readonly Says[] = []
  let turn = 0
  const heard = { good: '', away: '' }

  before(async () => {
    const serve = (name: 'good' | 'other') => {
      const all = name === 'good' ? 'good' : 'away'
      const listening = (request: Http2ServerRequest, response: Http2ServerResponse) => {
        response.on('error', () => {})
        request.on('error', () => {})
        let text = `${request.method} ${request.url} ${request.rawHeaders.join(' ')} `
        request.on('data', (chunk: Buffer) => {
          text += chunk.toString('latin1')
        })
        request.on('end', () => {
          heard[all] += text
          if (response.stream?.destroyed !== false) return
          says[turn++ % says.length]?.(response, text, `token ${VALUE}`)
        })
      }
      return setting.serve(createSecureServer(authority.sign([`DNS:${name}.test`]), listening))
    }
    good = await serve('good')
    away = await serve('other')
  })
  after(() => setting.close())

  const uses = [
    { kind: 'bearer' },
    { kind: 'basic', user: 'user' },
    { kind: 'query', key: 'k' },
    { kind: 'header', name: 'x-key' },
    { kind: 'placeholder', in: ['headers', 'query', 'body'] },
  ] as const
  for (const use of uses)
    test(`${use.kind}: the value arrives at its host alone`, async () => {
      const ports = { good: good?.port ?? 0, other: away?.port ?? 0 }
      const inspected = (name: 'good' | 'other') =>
        rule(`${name}.test`, { [ports[name]]: 'tls' }, { inspect: true })
      const plan = planOf([inspected('good'), inspected('other')], {
        budget: { maxConnections: 4096, maxRate: 100_000 },
      })
      const issue = host.issue({
        hosts: [{ name: 'good.test' as never, port: ports.good }],
        use,
        methods: ['GET', 'POST'],
        paths: ['/in/**'],
      } as never)
      const attachment = await setting.attach(plan, [], [issue])
      const basic = Buffer.from(`user:${issue.placeholder}`).toString('base64')
      const worded = (each: Asked) =>
        JSON.parse(
          JSON.stringify(each)
            .replaceAll('PLACEHOLDER', issue.placeholder)
            .replaceAll('BASIC', basic)
            .replaceAll('PERCENT', issue.placeholder.replaceAll('_', '%5F')),
        ) as Asked
      const run = async (requests: readonly Asked[], answers: readonly Says[], name: 'good' | 'other') => {
        says = answers
        turn = 0
        Object.assign(heard, { good: '', away: '' })
        const place = { port: ports[name], ca: setting.authority, name: `${name}.test` }
        const got = await askHttp2(setting.job, place, requests.map(worded))
        assert.ok(!holds(heard.away), heard.away)
        // what the other host says of its own accord is none that it was ever sent; nor is what the job says itself
        if (name === 'good')
          for (const each of got) assert.ok(!holds(JSON.stringify(each)), JSON.stringify(each))
        assert.ok(!setting.gateway.ended, 'the gateway is gone')
      }
      const headers = use.kind === 'placeholder' ? { x: 'PLACEHOLDER' } : {}
      await run([{ path: '/in/a', headers }], [(response) => response.end('ok')], 'good')
      assert.ok(holds(heard.good), 'control: it arrives where it is for')
      await fc.assert(
        fc.asyncProperty(
          fc.array(asked, { minLength: 1, maxLength: 4 }),
          fc.array(fc.constantFrom(...SAYS), { minLength: 1, maxLength: 3 }),
          fc.constantFrom('good' as const, 'other' as const),
          run,
        ),
        { ...TIME, interruptAfterTimeLimit: TIME.interruptAfterTimeLimit / uses.length },
      )
      assert.equal(holdsValue((await attachment.end()).attempts), false)
    })
})
