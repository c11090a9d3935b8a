/** A stream of HTTP/2 says things that HTTP/1.1 has no words for; what a downgrade, a cache or a server could take for a second request does not pass. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { judgeHttp2, judgeTrailers, type Target } from '../../src/network/index.js'
import type { NetworkRule } from '../../src/plan/index.js'
import { fuzzTime, named } from './tools.js'

const target: Target = { kind: 'name', name: 'api.test' }
const HEAD = [':method', 'GET', ':scheme', 'https', ':authority', 'api.test', ':path', '/a'] as const
const open = named('api.test', { inspect: true })

const judge = (raw: readonly string[], rule: NetworkRule = open, port = 443) =>
  judgeHttp2(raw, target, port, [rule])
const verdict = (raw: readonly string[], rule?: NetworkRule) => judge(raw, rule).verdict
/** HEAD with one of its pseudo-headers in another spelling. */
const having = (name: string, value: string) => HEAD.map((text, at) => (HEAD[at - 1] === name ? value : text))

describe('a request of HTTP/2', () => {
  test('goes on as the gateway writes it', () => {
    const judged = judge(
      [
        ...having(':path', '/%61?q'),
        'user-agent',
        'x',
        'cookie',
        'a=1',
        'cookie',
        'b=2',
        'te',
        'trailers',
        'content-length',
        '4',
        'expect',
        '100-continue',
      ],
      named('api.test', { paths: ['/a'] }),
    )
    assert.deepEqual(judged.verdict === 'allow' && { ...judged.outgoing, expects: judged.expects }, {
      method: 'GET',
      authority: 'api.test',
      path: '/a?q',
      headers: [
        ['user-agent', 'x'],
        ['cookie', 'a=1'],
        ['cookie', 'b=2'],
        ['content-length', '4'],
        ['te', 'trailers'],
      ],
      expects: true,
    })
    const elsewhere = judge(HEAD, open, 8443)
    assert.equal(elsewhere.verdict === 'allow' && elsewhere.outgoing.authority, 'api.test:8443')
    assert.equal(verdict([...HEAD, 'host', 'api.test']), 'allow')
  })

  const refused: Readonly<Record<string, readonly [readonly string[], string]>> = {
    'another authority': [having(':authority', 'evil.test'), 'denyHost'],
    'the authority with a user': [having(':authority', 'api.test@evil.test'), 'denyHost'],
    'another port': [having(':authority', 'api.test:8443'), 'denyHost'],
    'no authority': [HEAD.filter((_, at) => at < 4 || at > 5), 'denyHost'],
    'a Host that says otherwise': [[...HEAD, 'host', 'evil.test'], 'denyHost'],
    'two authorities': [[':authority', 'api.test', ...HEAD], 'denyRequest'],
    'two paths': [[':path', '/b', ...HEAD], 'denyRequest'],
    'an absolute form as a path': [having(':path', 'https://evil.test/'), 'denyRequest'],
    'a path without a slash': [having(':path', 'a'), 'denyRequest'],
    'an empty path': [having(':path', ''), 'denyRequest'],
    'a line end in the path': [having(':path', '/a HTTP/1.1\r\nHost: evil.test\r\n\r\n'), 'denyRequest'],
    'a space in the path': [having(':path', '/a b'), 'denyRequest'],
    'a line end in the method': [having(':method', 'GET / HTTP/1.1\r\nX:'), 'denyRequest'],
    'a space in the method': [having(':method', 'GET /x'), 'denyRequest'],
    'clear HTTP in the scheme': [having(':scheme', 'http'), 'denyRequest'],
    'a scheme that is a URL': [having(':scheme', 'https://evil.test/'), 'denyRequest'],
    'a line end in the authority': [having(':authority', 'api.test\r\nx: y'), 'denyRequest'],
    CONNECT: [having(':method', 'CONNECT'), 'denyConnect'],
    'extended CONNECT': [[':protocol', 'websocket', ...having(':method', 'CONNECT')], 'denyConnect'],
    ':protocol without it': [[':protocol', 'websocket', ...HEAD], 'denyConnect'],
    'a pseudo-header nobody knows': [[':x', 'y', ...HEAD], 'denyRequest'],
    'one of an answer': [[':status', '200', ...HEAD], 'denyRequest'],
    'one behind a field': [[...HEAD.slice(0, 6), 'x', 'y', ...HEAD.slice(6)], 'denyRequest'],
    'a line end in a value': [[...HEAD, 'x', 'a\r\ntransfer-encoding: chunked'], 'denyRequest'],
    'a NUL in a value': [[...HEAD, 'x', 'a\0b'], 'denyRequest'],
    'a colon in a name': [[...HEAD, 'x: y\r\nz', 'a'], 'denyRequest'],
    'capitals in a name': [[...HEAD, 'X-Y', 'a'], 'denyRequest'],
    'a coding (H2.TE)': [[...HEAD, 'transfer-encoding', 'chunked'], 'denyRequest'],
    'two lengths (H2.CL)': [[...HEAD, 'content-length', '0', 'content-length', '40'], 'denyRequest'],
    'a length that is no number': [[...HEAD, 'content-length', '+4'], 'denyRequest'],
    'a connection': [[...HEAD, 'connection', 'x'], 'denyRequest'],
    'an upgrade': [[...HEAD, 'upgrade', 'websocket'], 'denyRequest'],
    'te of another kind': [[...HEAD, 'te', 'trailers, chunked'], 'denyRequest'],
  }
  for (const [what, [raw, expected]] of Object.entries(refused))
    test(`with ${what} does not pass: ${expected}`, () => {
      assert.equal(verdict(raw), expected)
    })

  test('at random never goes on to another host, by another method or path, or with a second meaning', () => {
    const text = fc.oneof(
      fc.constantFrom(
        'api.test',
        'evil.test',
        'GET',
        'POST',
        '/pub/a',
        '/pub/../a',
        '/x',
        'https',
        'chunked',
        'trailers',
        '5',
        '',
      ),
      fc.string({ unit: 'binary', maxLength: 12 }),
    )
    const name = fc.oneof(
      fc.constantFrom(
        ':method',
        ':path',
        ':scheme',
        ':authority',
        ':protocol',
        'host',
        'te',
        'content-length',
        'transfer-encoding',
        'x-original-url',
        'cookie',
      ),
      fc.string({ maxLength: 8 }),
    )
    const extra = fc.array(fc.tuple(name, text), { maxLength: 4 })
    const held = named('api.test', { inspect: true, methods: ['GET'], paths: ['/pub/**'] })
    fc.assert(
      fc.property(extra, text, text, fc.boolean(), (fields, path, authority, first) => {
        const head = [':method', 'GET', ':scheme', 'https', ':authority', authority, ':path', path]
        const raw = first ? [...fields.flat(), ...head] : [...head, ...fields.flat()]
        const judged = judge(raw, held)
        if (judged.verdict !== 'allow') return
        assert.equal(judged.outgoing.authority, 'api.test')
        assert.equal(judged.outgoing.method, 'GET')
        assert.match(judged.outgoing.path, /^\/pub\/[^.\r\n ]*/)
        for (const [field, value] of judged.outgoing.headers) {
          assert.match(field, /^[!#$%&'*+.^_`|~0-9a-z-]+$/)
          assert.match(value, /^[\t\x20-\x7e\x80-\xff]*$/)
          assert.ok(!['host', 'connection', 'transfer-encoding', 'upgrade'].includes(field))
        }
      }),
      fuzzTime(1),
    )
  })
})

describe('trailers', () => {
  test('go on as they are', () => {
    assert.deepEqual(judgeTrailers(['grpc-status', '0', 'x', 'y']), [
      ['grpc-status', '0'],
      ['x', 'y'],
    ])
  })

  for (const raw of [
    ['host', 'evil.test'],
    [':path', '/x'],
    ['authorization', 'x'],
    ['content-length', '3'],
    ['transfer-encoding', 'chunked'],
    ['x-http-method-override', 'DELETE'],
    ['x_http_method_override', 'DELETE'],
    ['content_length', '3'],
    ['x', 'a\r\nb'],
    ['X', 'a'],
    ['x', 'y'.repeat(20_000)],
    Array.from({ length: 80 }, () => 'x'),
  ])
    test(`${JSON.stringify(raw).slice(0, 50)} is none`, () => {
      assert.equal(judgeTrailers(raw), null)
    })
})
