/**
 * The attacks: a request that two readers take for two (CL and TE, folded lines, two Hosts), one for another host than the connection's,
 * a method or a path that is not granted in a spelling that looks like one that is, a tunnel. The heads are those that Node's parser
 * hands on, so it counts as an attacker here: whatever it lets by is judged again.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { judgeRequest, type RequestVerdict, type Target } from '../../src/network/index.js'
import type { NetworkRule } from '../../src/plan/index.js'
import { named } from './tools.js'

const NAME: Target = { kind: 'name', name: 'api.test' }
const ANY = named('api.test')

interface Request {
  readonly method?: string
  readonly url?: string
  readonly version?: string
  /** without `Host`, which is `api.test` unless told otherwise */
  readonly headers?: readonly (readonly [string, string])[]
  readonly hosts?: readonly string[]
  readonly rules?: readonly [NetworkRule, ...NetworkRule[]]
  readonly target?: Target
  readonly port?: number
}

function judge(request: Request): RequestVerdict {
  const { method = 'GET', url = '/', version = '1.1', headers = [], hosts = ['api.test'] } = request
  const rawHeaders = [...hosts.map((host) => ['Host', host]), ...headers].flat()
  const { target = NAME, port = 80, rules = [ANY] } = request
  return judgeRequest({ method, url, rawHeaders, httpVersion: version }, target, port, rules)
}

function verdict(request: Request): string {
  return judge(request).verdict
}

/** The lines that go on. */
function outgoing(request: Request): string[] {
  const answer = judge(request)
  assert.ok(answer.verdict === 'allow', JSON.stringify(answer))
  const { method, path, headers } = answer.outgoing
  return [`${method} ${path}`, ...headers.map(([name, value]) => `${name}: ${value}`)]
}

describe('what goes on', () => {
  test('is written anew: one Host, what is for this hop only left out, the rest as it was', () => {
    assert.deepEqual(
      outgoing({
        url: '/a?b=c',
        hosts: ['API.Test.'],
        headers: [
          ['User-Agent', 'x'],
          ['Connection', 'close, X-Hop'],
          ['X-Hop', '1'],
          ['Keep-Alive', '5'],
          ['Proxy-Connection', 'y'],
          ['Proxy-Authorization', 'z'],
          ['TE', 'trailers'],
          ['Trailer', 'x'],
          ['Accept', '*/*'],
          ['Accept', 'text/html'],
        ],
      }),
      ['GET /a?b=c', 'Host: api.test', 'User-Agent: x', 'Accept: */*', 'Accept: text/html'],
    )
  })

  test('says by itself where the body ends', () => {
    assert.ok(
      outgoing({ method: 'POST', headers: [['content-length', '12']] }).includes('Content-Length: 12'),
    )
    assert.ok(
      outgoing({ method: 'POST', headers: [['Transfer-Encoding', 'Chunked']] }).includes(
        'Transfer-Encoding: chunked',
      ),
    )
  })

  test('does not ask the host to wait: the gateway has answered that', () => {
    assert.deepEqual(
      outgoing({
        method: 'PUT',
        headers: [
          ['Expect', '100-continue'],
          ['Content-Length', '1'],
        ],
      }),
      ['PUT /', 'Host: api.test', 'Content-Length: 1'],
    )
  })

  test('has the port behind the name where it is not 80', () => {
    assert.equal(outgoing({ port: 8080, hosts: ['api.test:8080'] })[1], 'Host: api.test:8080')
    assert.equal(outgoing({ port: 8080 })[1], 'Host: api.test:8080')
  })

  test('is in origin form, whichever form came', () => {
    for (const [url, line] of [
      ['http://api.test/a?b', 'GET /a?b'],
      ['HTTP://API.test:80', 'GET /'],
      ['http://api.test?b', 'GET /?b'],
    ] as const)
      assert.equal(outgoing({ url })[0], line, url)
    assert.equal(outgoing({ method: 'OPTIONS', url: '*' })[0], 'OPTIONS *')
  })
})

describe('the host', () => {
  test('is named exactly once', () => {
    assert.equal(verdict({ hosts: [] }), 'denyHost')
    assert.equal(verdict({ hosts: [], version: '1.0' }), 'denyHost')
    assert.equal(verdict({ hosts: ['api.test', 'api.test'] }), 'denyHost')
    assert.equal(verdict({ hosts: ['api.test', 'evil.test'] }), 'denyHost')
    assert.equal(verdict({ headers: [['hOsT', 'evil.test']] }), 'denyHost')
  })

  test('is the one that the connection leads to, and no other spelling that looks like it', () => {
    for (const host of [
      'evil.test',
      'x.api.test',
      'api.test.evil.test',
      'evil-api.test',
      'api.test:81',
      'api.test:0',
      'api.test:',
      'api.test:080',
      'api.test:80:80',
      'user@api.test',
      'api.test@evil.test',
      'api.test/',
      'api.test#',
      'api.test,evil.test',
      'api.test evil.test',
      'api%2etest',
      '[::1]',
      '127.0.0.1',
      '',
      'api..test',
      '\xe4pi.test',
      'api.test\\',
    ])
      assert.equal(verdict({ hosts: [host] }), 'denyHost', host)
  })

  test('agrees with an absolute form', () => {
    for (const url of [
      'http://evil.test/',
      'http://api.test:81/',
      'http://user@api.test/',
      'http://api.test@evil.test/',
      'http://evil.test\\@api.test/',
    ])
      assert.equal(verdict({ url }), 'denyHost', url)
    assert.equal(verdict({ url: 'http://api.test/', hosts: ['evil.test'] }), 'denyHost')
    assert.equal(verdict({ url: 'http://api.test/', hosts: [] }), 'denyHost')
  })

  test('may be an address where the connection goes to one', () => {
    const four: Target = { kind: 'address', address: '93.184.216.34' }
    assert.equal(verdict({ target: four, hosts: ['93.184.216.34'] }), 'allow')
    for (const host of ['api.test', '93.184.216.35', '0x5db8d822', '93.184.55330'])
      assert.equal(verdict({ target: four, hosts: [host] }), 'denyHost', host)
    const six: Target = { kind: 'address', address: '2606:4700::1111' }
    assert.equal(
      outgoing({ target: six, hosts: ['[2606:4700:0::1111]:8080'], port: 8080 })[1],
      'Host: [2606:4700::1111]:8080',
    )
    assert.equal(verdict({ target: six, hosts: ['[2606:4700::1111%25eth0]'] }), 'denyHost')
  })
})

describe('what two readers could take for two requests', () => {
  const TE = (value: string) => [['Transfer-Encoding', value]] as const
  for (const [what, request, status] of [
    [
      'a length and a coding',
      {
        headers: [
          ['Content-Length', '5'],
          ['Transfer-Encoding', 'chunked'],
        ],
      },
      400,
    ],
    [
      'two lengths',
      {
        headers: [
          ['Content-Length', '5'],
          ['Content-Length', '6'],
        ],
      },
      400,
    ],
    [
      'twice the same length',
      {
        headers: [
          ['Content-Length', '5'],
          ['Content-Length', '5'],
        ],
      },
      400,
    ],
    ['a list of lengths', { headers: [['Content-Length', '5, 5']] }, 400],
    ['a length with a sign', { headers: [['Content-Length', '+5']] }, 400],
    ['a length below zero', { headers: [['Content-Length', '-1']] }, 400],
    ['a length in hex', { headers: [['Content-Length', '0x5']] }, 400],
    ['a length with a zero in front', { headers: [['Content-Length', '05']] }, 400],
    ['a length beyond numbers', { headers: [['Content-Length', '9'.repeat(20)]] }, 400],
    ['no length', { headers: [['Content-Length', '']] }, 400],
    ['chunked twice', { headers: [...TE('chunked'), ...TE('chunked')] }, 400],
    ['chunked in HTTP/1.0', { headers: TE('chunked'), version: '1.0' }, 400],
    ['chunked not last', { headers: TE('chunked, gzip') }, 501],
    ['gzip, chunked', { headers: TE('gzip, chunked') }, 501],
    ['identity', { headers: TE('identity') }, 501],
    ['a coding that is almost one', { headers: TE('xchunked') }, 501],
    ['a coding in quotes', { headers: TE('"chunked"') }, 501],
    ['a coding with a vertical tab', { headers: TE('\x0bchunked') }, 400],
    ['a folded line', { headers: [['X', 'a\r\n Content-Length: 5']] }, 400],
    ['a bare LF', { headers: [['X', 'a\nHost: evil.test']] }, 400],
    ['a bare CR', { headers: [['X', 'a\rb']] }, 400],
    ['a NUL', { headers: [['X', 'a\0b']] }, 400],
    ['a space before the colon', { headers: [['Content-Length ', '5']] }, 400],
    ['a name that is none', { headers: [['', 'a']] }, 400],
    [
      'Connection that takes away the length',
      {
        headers: [
          ['Connection', 'Content-Length'],
          ['Content-Length', '5'],
        ],
      },
      400,
    ],
    ['Connection that takes away the host', { headers: [['Connection', 'close, hOst']] }, 400],
    ['an expectation that there is not', { headers: [['Expect', '200-ok']] }, 417],
    ['an expectation in HTTP/1.0', { headers: [['Expect', '100-continue']], version: '1.0' }, 417],
    ['the preface of HTTP/2', { method: 'PRI', url: '*', version: '2.0' }, 505],
    ['HTTP/0.9', { version: '0.9' }, 505],
    ['HTTP/1.2', { version: '1.2' }, 505],
    ['a method that is none', { method: 'GET /' }, 400],
    ['a target with a space', { url: '/a b' }, 400],
    ['a target with a control character', { url: '/a\x01' }, 400],
    ['a target beyond ASCII', { url: '/\xe4' }, 400],
    ['a target with a fragment', { url: '/a#b' }, 400],
    ['a target without a slash', { url: 'a' }, 400],
    ['an asterisk that asks for something', { url: '*' }, 400],
    ['https in the clear', { url: 'https://api.test/' }, 400],
    ['a file', { url: 'file:///etc/passwd' }, 400],
    ['a target without end', { url: `/${'a'.repeat(20_000)}` }, 414],
    ['headers without end', { headers: [['X', 'a'.repeat(40_000)]] }, 431],
    [
      'too many headers',
      { headers: Array.from({ length: 100 }, (_, index) => [`X-${index}`, 'a'] as const) },
      431,
    ],
  ] as readonly (readonly [string, Request, number])[])
    test(`${what}: refused with ${status}`, () => {
      const answer = judge({ method: 'POST', ...request })
      assert.deepEqual(answer, { verdict: 'denyRequest', status, rule: null })
    })
})

describe('another protocol', () => {
  const WEBSOCKET = [
    ['Connection', 'keep-alive, Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Key', 'k'],
  ] as const

  test('CONNECT is refused, whatever rule there is', () => {
    for (const url of ['api.test:443', 'evil.test:443', '/', '*', ''])
      assert.deepEqual(judge({ method: 'CONNECT', url, rules: [named('api.test', { upgrade: true })] }), {
        verdict: 'denyConnect',
        status: 405,
        rule: null,
      })
  })

  test('an upgrade goes on where the rule says so, and nowhere else', () => {
    assert.equal(verdict({ headers: WEBSOCKET }), 'denyUpgrade')
    const rules = [named('api.test', { upgrade: true })] as const
    const answer = judge({ headers: WEBSOCKET, rules: [...rules] })
    assert.ok(answer.verdict === 'allow' && answer.upgrade)
    assert.deepEqual(answer.outgoing.headers.slice(1), [
      ['Sec-WebSocket-Key', 'k'],
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
    ])
  })

  test('with a body it does not: what follows would be the body to one and the new protocol to another', () => {
    for (const body of [
      ['Content-Length', '5'],
      ['Transfer-Encoding', 'chunked'],
    ] as const)
      assert.equal(
        verdict({
          method: 'POST',
          headers: [...WEBSOCKET, body],
          rules: [named('api.test', { upgrade: true })],
        }),
        'denyRequest',
      )
  })

  test('an offer of HTTP/2 is not passed on, and the request goes on without (Java offers it by itself)', () => {
    const headers = [
      ['Connection', 'Upgrade, HTTP2-Settings'],
      ['Upgrade', 'h2c'],
      ['HTTP2-Settings', 'AAE'],
    ] as const
    for (const upgrade of [true, false]) {
      const answer = judge({ headers, rules: [named('api.test', { upgrade })] })
      assert.ok(answer.verdict === 'allow' && !answer.upgrade)
      assert.deepEqual(answer.outgoing.headers, [['Host', 'api.test']])
    }
  })
})

describe('methods', () => {
  const rules = [named('api.test', { methods: ['GET', 'HEAD'] })] as const

  test('are those of the rule, in upper case as they are', () => {
    for (const method of ['GET', 'HEAD']) assert.equal(verdict({ method, rules: [...rules] }), 'allow')
    for (const method of ['POST', 'get', 'Get', 'GETS', 'DELETE', 'TRACE'])
      assert.deepEqual(judge({ method, rules: [...rules] }), {
        verdict: 'denyMethod',
        status: 405,
        rule: rules[0],
      })
  })

  test('and no header says another', () => {
    for (const header of [
      'X-HTTP-Method-Override',
      'X-HTTP-Method',
      'x-method-override',
      'X_HTTP_Method-Override',
    ])
      assert.equal(verdict({ headers: [[header, 'DELETE']], rules: [...rules] }), 'denyMethod')
  })
})

describe('paths', () => {
  const under = (...paths: string[]): [NetworkRule] => [named('api.test', { paths })]
  const fits = (pattern: string, path: string) => verdict({ url: path, rules: under(pattern) }) === 'allow'

  test('`*` is a part of one segment, `**` any number of segments', () => {
    for (const [pattern, path, expected] of [
      ['/a', '/a', true],
      ['/a', '/a/', false],
      ['/a', '/A', false],
      ['/a', '/a?b=/c', true],
      ['/*', '/a', true],
      ['/*', '/', true],
      ['/*', '/a/b', false],
      ['/a*c', '/abc', true],
      ['/a*c', '/ac', true],
      ['/a*b*c', '/aXbYc', true],
      ['/a*b*c', '/aXcYb', false],
      ['/a*b*b', '/ab', false],
      ['/a*b*b', '/abb', true],
      ['/repos/**', '/repos/a', true],
      ['/repos/**', '/repos/a/b/', true],
      ['/repos/**', '/repos/', true],
      ['/repos/**', '/repos', false],
      ['/repos/**', '/repositories/a', false],
      ['/**', '/', true],
      ['/**', '/a/b/c', true],
      ['/**/c', '/c', true],
      ['/**/c', '/a/b/c', true],
      ['/**/c', '/a/b/c/d', false],
      ['/a/**/b/**/c', '/a/b/x/b/y/c', true],
      ['/a/**/b/**/c', '/a/x/y/c', false],
    ] as const)
      assert.equal(fits(pattern, path), expected, `${pattern} ${path}`)
  })

  test('what two servers could read as two paths is refused', () => {
    for (const path of [
      '/a/../b',
      '/a/./b',
      '/a/..',
      '/..',
      '/.',
      '/a/%2e%2e/b',
      '/a/.%2E/b',
      '/a/..;/b',
      '/a/..;x=y/b',
      '/a/%2e%2e%3b/b',
      '/a%2fb',
      '/a%2Fb',
      '/a%5cb',
      '/a\\..\\b',
      '/a//b',
      '//a',
      '//evil.test/a',
      '/a/%00',
      '/a%0d%0ab',
      '/a%7f',
      '/a%',
      '/a%2',
      '/a%zz',
      '/a/%252e%252e/b',
      '/a%252fb',
      '/a%255cb',
    ])
      assert.deepEqual(verdict({ url: path, rules: under('/**') }), 'denyPath', path)
  })

  test('what goes on is the path that was matched, in its one spelling', () => {
    for (const [path, line] of [
      ['/%61pi/%7Ex', 'GET /api/~x'],
      ['/%e4%C3', 'GET /%E4%C3'],
      ['/a%20b', 'GET /a%20b'],
      ['/a?%2e%2e=%61', 'GET /a?%2e%2e=%61'],
      ['/...', 'GET /...'],
    ] as const)
      assert.equal(outgoing({ url: path, rules: under('/**') })[0], line)
    assert.equal(verdict({ url: '/%61', rules: under('/a') }), 'allow')
    assert.equal(verdict({ url: 'http://api.test/%61', rules: under('/a') }), 'allow')
  })

  test('and no header says another', () => {
    for (const header of ['X-Original-URL', 'X-Rewrite-Url'])
      assert.equal(verdict({ url: '/a', headers: [[header, '/b']], rules: under('/a') }), 'denyPath')
  })

  test('a rule without paths passes on what it gets', () => {
    assert.equal(outgoing({ url: '//a/../%2e' })[0], 'GET //a/../%2e')
  })
})

describe('two rules for one host', () => {
  const read = named('api.test', { name: 'network.allow[0]', methods: ['GET'] })
  const write = named('api.test', { name: 'network.allow[1]', methods: ['POST'], paths: ['/in/**'] })
  const rules = [read, write] as const

  test('the first that has the request decides', () => {
    for (const [method, url, expected] of [
      ['GET', '/x', read],
      ['GET', '/in/x', read],
      ['POST', '/in/x', write],
    ] as const) {
      const answer = judge({ method, url, rules: [...rules] })
      assert.equal(answer.verdict === 'allow' && answer.rule, expected)
    }
  })

  test('where none has it, the one that came nearest is named', () => {
    assert.deepEqual(judge({ method: 'POST', url: '/x', rules: [...rules] }), {
      verdict: 'denyPath',
      status: 403,
      rule: write,
    })
    assert.deepEqual(judge({ method: 'PUT', url: '/x', rules: [...rules] }), {
      verdict: 'denyMethod',
      status: 405,
      rule: read,
    })
  })
})
