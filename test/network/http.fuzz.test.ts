import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { canonicalPath, pathMatches } from '../../src/network/http-path.js'
import { judgeRequest, type OutgoingRequest, type RequestHead } from '../../src/network/index.js'
import type { NetworkRule } from '../../src/plan/index.js'
import { fuzzTime, named } from './tools.js'

const TESTS = 4
const TARGET = { kind: 'name', name: 'api.test' } as const

const odd = fc.string({
  unit: fc.constantFrom(
    'a',
    '/',
    '.',
    '%',
    '2',
    'e',
    'f',
    '\\',
    ';',
    '\r',
    '\n',
    '\0',
    ' ',
    '\t',
    ':',
    '@',
    '?',
    '#',
    '\xe4',
    ',',
  ),
  maxLength: 12,
})
const header = fc.oneof(
  fc.tuple(
    fc.constantFrom(
      'Host',
      'Content-Length',
      'Transfer-Encoding',
      'Connection',
      'Upgrade',
      'Expect',
      'X-A',
      'X-HTTP-Method-Override',
      'TE',
    ),
    fc.oneof(
      fc.constantFrom(
        'api.test',
        'evil.test',
        '5',
        '0',
        'chunked',
        'close',
        'upgrade',
        'websocket',
        'h2c',
        'x-a',
        '100-continue',
        'gzip, chunked',
      ),
      odd,
    ),
  ),
  fc.tuple(odd, odd),
)
const head: fc.Arbitrary<RequestHead> = fc
  .record({
    method: fc.oneof(fc.constantFrom('GET', 'POST', 'OPTIONS', 'CONNECT', 'get', 'PRI'), odd),
    url: fc.oneof(
      fc.constantFrom('/', '/a/b?c', '*', 'http://api.test/a', 'http://evil.test/', '/a/%2e%2e/b', '/%61'),
      odd.map((text) => `/${text}`),
      odd,
    ),
    headers: fc.array(header, { maxLength: 6 }),
    host: fc.boolean(),
    httpVersion: fc.constantFrom('1.1', '1.0', '2.0'),
  })
  .map(({ method, url, headers, host, httpVersion }) => ({
    method,
    url,
    httpVersion,
    rawHeaders: [...(host ? ['Host', 'api.test'] : []), ...headers.flat()],
  }))

const rules: fc.Arbitrary<[NetworkRule, ...NetworkRule[]]> = fc
  .array(
    fc.record({
      methods: fc.constantFrom(null, ['GET'], ['POST', 'OPTIONS']),
      paths: fc.constantFrom(null, ['/a/**'], ['/*'], ['/**']),
      upgrade: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map(([first, ...more]) => [named('api.test', first), ...more.map((each) => named('api.test', each))])

describe('heads of requests at random', () => {
  test('what goes on is what a rule has, for the one host, and plain', () => {
    fc.assert(
      fc.property(head, rules, (request, candidates) => {
        const answer = judgeRequest(request, TARGET, 80, candidates)
        if (answer.verdict !== 'allow') {
          assert.ok(answer.status >= 400 && answer.status < 600)
          return
        }
        const { method, path, headers } = answer.outgoing
        const { rule } = answer
        assert.ok(rule.methods === null || rule.methods.includes(method))
        const plain = path.split('?')[0] ?? ''
        assert.ok(
          rule.paths === null ||
            (canonicalPath(plain) === plain && rule.paths.some((each) => pathMatches(each, plain))),
        )
        assert.deepEqual(
          headers.filter(([name]) => /^host$/i.test(name)),
          [['Host', 'api.test']],
        )
        assert.ok(headers.filter(([name]) => /^(content-length|transfer-encoding)$/i.test(name)).length <= 1)
        assert.equal(
          answer.upgrade,
          headers.some(([name]) => /^upgrade$/i.test(name)),
        )
        assert.ok(!answer.upgrade || rule.upgrade)
        for (const [name, value] of headers) assert.ok(!/[\r\n\0]/.test(name + value))
      }),
      fuzzTime(TESTS),
    )
  })

  test('written out, it is one request to another reader, with the same head, and nothing behind it', async () => {
    await fc.assert(
      fc.asyncProperty(head, rules, async (request, candidates) => {
        const answer = judgeRequest(request, TARGET, 80, candidates)
        if (answer.verdict !== 'allow' || answer.upgrade) return
        const { method, path, headers } = answer.outgoing
        // Node's reader knows the methods by name, and no others
        if (!['GET', 'POST', 'OPTIONS'].includes(method)) return
        const requests = await readBack(answer.outgoing)
        assert.deepEqual(
          requests.map((each) => [each.method, each.url, each.rawHeaders]),
          [[method, path, headers.flat()]],
        )
      }),
      fuzzTime(TESTS),
    )
  })

  test('a path that is canonical is so once and for all, and has no way up', () => {
    const path = fc.oneof(
      odd.map((text) => `/${text}`),
      fc.webPath().map((text) => text || '/'),
    )
    fc.assert(
      fc.property(path, (text) => {
        const canonical = canonicalPath(text)
        if (canonical === null) return
        assert.equal(canonicalPath(canonical), canonical)
        // what a browser makes of it, which takes dot segments out, is the same path
        assert.equal(new URL(`http://api.test${canonical}`).pathname, canonical)
        const decoded = decodeURIComponentLoosely(canonical)
        assert.ok(!/(^|[/\\])\.\.?([/\\;]|$)/.test(decoded) && !decoded.includes('\0'), canonical)
      }),
      fuzzTime(TESTS),
    )
  })

  test('patterns fit what the same words as a regular expression fit', () => {
    const part = fc.constantFrom('a', 'b', '*', 'a*', '*b', 'a*b', 'a*b*b', '**')
    const pattern = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join('/')}`)
    const path = fc
      .array(fc.constantFrom('', 'a', 'b', 'ab', 'abb', 'axb'), { minLength: 1, maxLength: 6 })
      .map((names) => `/${names.join('/')}`)
    fc.assert(
      fc.property(pattern, path, (written, asked) => {
        assert.equal(pathMatches(written, asked), expression(written).test(asked), `${written} ${asked}`)
      }),
      fuzzTime(TESTS),
    )
  })
})

/** `**` in the middle: any number of segments; at the end: at least one. */
function expression(pattern: string): RegExp {
  const parts = pattern.slice(1).split('/')
  const source = parts.map((part, index) => {
    if (part !== '**') return `/${part.replaceAll('*', '[^/]*')}`
    return index === parts.length - 1 ? '(?:/[^/]*)+' : '(?:/[^/]*)*'
  })
  return new RegExp(`^${source.join('')}$`)
}

function decodeURIComponentLoosely(text: string): string {
  return text.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** The requests that Node's own server reads out of one that is written out, with its body, in this memory alone. */
async function readBack({ method, path, headers }: OutgoingRequest): Promise<IncomingMessage[]> {
  const lines = [`${method} ${path} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`), '', '']
  const length = Number(headers.find(([name]) => name === 'Content-Length')?.[1] ?? 0)
  const chunked = headers.some(([name]) => name === 'Transfer-Encoding')
  if (length > 1000)
    return readBack({
      method,
      path,
      headers: headers.map(([name, value]) => [name, name === 'Content-Length' ? '0' : value]),
    }).then((all) => all.map((each) => Object.assign(each, { rawHeaders: headers.flat() })))
  const requests: IncomingMessage[] = []
  const server = createServer({ keepAlive: false }, (request, response) => {
    requests.push(request)
    request.resume()
    request.on('end', () => response.end())
  })
  const bytes = Buffer.from(lines.join('\r\n') + (chunked ? '0\r\n\r\n' : 'x'.repeat(length)), 'latin1')
  await new Promise<void>((resolve) => {
    const wire = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    wire.on('error', () => {})
    wire.on('close', () => resolve())
    server.on('clientError', (error) => {
      requests.push({
        method: `refused: ${error.message}`,
        url: '',
        rawHeaders: [] as string[],
      } as IncomingMessage)
      wire.destroy()
    })
    server.emit('connection', wire)
    wire.push(bytes)
    wire.push(null)
  })
  return requests
}
