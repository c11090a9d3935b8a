/** One host, one spelling: what two programs could read as two hosts is refused, with what to write. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addressBlock,
  blockContains,
  canonicalAuthority,
  canonicalHostName,
  canonicalWireName,
} from '../../src/policy/index.js'

const NAMES: readonly (readonly [written: string, name: string])[] = [
  ['api.example.test', 'api.example.test'],
  ['API.Example.TEST', 'api.example.test'],
  ['api.example.test.', 'api.example.test'],
  ['_dmarc.example.test', '_dmarc.example.test'],
  ['r3---sn-x.example.test', 'r3---sn-x.example.test'],
  ['1.2.3.4.test', '1.2.3.4.test'],
  ['localhost', 'localhost'],
  ['b\u00fccher.test', 'xn--bcher-kva.test'],
  ['B\u00dcCHER.test', 'xn--bcher-kva.test'],
  ['bu\u0308cher.test', 'xn--bcher-kva.test'],
  ['xn--bcher-kva.test', 'xn--bcher-kva.test'],
  ['XN--BCHER-KVA.test', 'xn--bcher-kva.test'],
  // browsers tell it from fass.test since 2016, and so must we
  ['fa\u00df.test', 'xn--fa-hia.test'],
  ['\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45.test', 'example.test'],
  ['api\u3002example\uff0etest\uff61', 'api.example.test'],
  // Cyrillic a: another name than the Latin one, and shown as such
  ['\u0430pi.test', 'xn--pi-6kc.test'],
  [`${'a'.repeat(63)}.test`, `${'a'.repeat(63)}.test`],
  [`${'a.'.repeat(124)}test.`, `${'a.'.repeat(124)}test`],
]

for (const [written, name] of NAMES)
  test(`${JSON.stringify(written.slice(0, 40))} is ${name.slice(0, 40)}`, () =>
    assert.deepEqual(canonicalHostName(written), { kind: 'name', name }))

const ADDRESSES: readonly (readonly [written: string, address: string])[] = [
  ['203.0.113.7', '203.0.113.7'],
  ['0.0.0.0', '0.0.0.0'],
  ['2001:DB8::7', '2001:db8::7'],
  ['[2001:db8::7]', '2001:db8::7'],
  ['2001:0db8:0:0:0000:0:0:0007', '2001:db8::7'],
  ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1'],
  ['::', '::'],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
]

for (const [written, address] of ADDRESSES)
  test(`${written} is the address ${address}`, () =>
    assert.deepEqual(canonicalHostName(written), { kind: 'address', address }))

const ODD: readonly (readonly [attack: string, written: string, refusal: RegExp])[] = [
  ['nothing', '', /^is empty/],
  ['a lone dot', '.', /empty part/],
  ['two trailing dots', 'a.test..', /empty part/],
  ['a leading dot', '.a.test', /empty part/],
  ['an empty label', 'a..test', /empty part/],
  ['a label too long', `${'a'.repeat(64)}.test`, /longer than 63/],
  ['a name too long', `${'a.'.repeat(125)}test`, /longer than 253/],
  ['a flood', 'a'.repeat(100_000), /longer than 253/],
  ['a leading hyphen', '-a.test', /inner hyphens/],
  ['a trailing hyphen', 'a-.test', /inner hyphens/],
  ['a NUL', 'allowed.test\0.evil.test', /control character/],
  ['a line end', 'allowed.test\r\nHost: evil.test', /control character/],
  ['a tab, which URL parsers drop', 'allowed\t.test', /control character/],
  ['a space', 'allowed.test ', /space/],
  ['an ideographic space', 'allowed\u3000.test', /space/],
  ['a percent escape', 'allowed%2etest', /"%"/],
  ['a full-width percent escape', 'allowed\uff052etest', /is not a host name/],
  ['a user', 'allowed.test@evil.test', /user in front/],
  ['a full-width user', 'allowed.test\uff20evil.test', /is not a host name/],
  ['a URL', 'https://allowed.test', /more than a host/],
  ['a path', 'allowed.test/x', /more than a host/],
  ['a full-width path', 'allowed.test\uff0fx', /is not a host name/],
  ['a character that maps to a path', '\u2100.test', /is not a host name/],
  ['a backslash', 'evil.test\\.allowed.test', /more than a host/],
  ['a query', 'allowed.test?', /more than a host/],
  ['a fragment', 'allowed.test#', /more than a host/],
  ['a port', 'allowed.test:443', /neither a name nor/],
  ['a wildcard', '*.test', /"\*"/],
  ['a joiner', 'allo\u200dwed.test', /not shown/],
  ['a soft hyphen', 'allo\u00adwed.test', /not shown/],
  ['a variation selector', 'allo\ufe0fwed.test', /not shown/],
  ['a bidi override', 'allo\u202ewed.test', /not shown/],
  ['half a surrogate', 'allo\ud800wed.test', /not shown/],
  ['punycode of nothing', 'xn--.test', /inner hyphens/],
  ['punycode of ASCII', 'xn--allowed-.test', /xn--|inner hyphens/],
  ['broken punycode', 'xn--a.test', /xn--/],
  ['IPv4 with a trailing dot', '127.0.0.1.', /Write 127\.0\.0\.1\./],
  ['IPv4 in full width', '\uff11\uff12\uff17.0.0.1', /Write 127\.0\.0\.1\./],
  ['IPv4 as a number', '2130706433', /Write 127\.0\.0\.1\./],
  ['IPv4 in octal', '0177.0.0.1', /Write 127\.0\.0\.1\./],
  ['IPv4 with zeros in front', '127.000.000.001', /Write 127\.0\.0\.1\./],
  ['IPv4 in hex', '0x7f000001', /Write 127\.0\.0\.1\./],
  ['IPv4 in upper-case hex', '0X7F.1', /Write 127\.0\.0\.1\./],
  ['IPv4, short', '127.1', /Write 127\.0\.0\.1\./],
  ['IPv4 that overflows', '127.0.0.256', /no IPv4 address/],
  ['IPv4 with too many parts', '127.0.0.1.1', /no IPv4 address/],
  ['a name that ends in a number', 'allowed.1', /no IPv4 address/],
  ['a name that ends in hex', 'allowed.0x', /no IPv4 address/],
  ['IPv4 in brackets', '[127.0.0.1]', /neither a name nor/],
  ['IPv4 in IPv6, mapped', '::ffff:127.0.0.1', /Write 127\.0\.0\.1\./],
  ['IPv4 in IPv6, mapped, in hex', '[::FFFF:7f00:1]', /Write 127\.0\.0\.1\./],
  ['a zone', 'fe80::1%eth0', /a zone/],
  ['an open bracket', '[::1', /neither a name nor/],
  ['brackets in brackets', '[[::1]]', /neither a name nor/],
  ['two gaps', '1::2::3', /neither a name nor/],
  ['octal in IPv6', '::ffff:0177.0.0.1', /neither a name nor/],
]

for (const [attack, written, refusal] of ODD)
  test(`${attack} is no spelling of a host`, () => {
    const answer = canonicalHostName(written)
    assert.ok('what' in answer, JSON.stringify(answer))
    assert.match(`${answer.what} ${answer.advice}`, refusal)
    assert.match(answer.advice, /^(Write|Send) .*\.$/)
  })

// a byte above 127 of a ClientHello read as Latin-1 would become a name that its sender did not ask for
test('a name from the wire is ASCII', () => {
  assert.ok('what' in canonicalWireName('b\u00fccher.test'))
  assert.ok('what' in canonicalWireName('a\u3002test'))
  assert.deepEqual(canonicalWireName('A.test'), { kind: 'name', name: 'a.test' })
})

test('a host with a port has one reading', () => {
  const name = { kind: 'name', name: 'a.test' }
  const address = { kind: 'address', address: '::1' }
  assert.deepEqual(canonicalAuthority('A.test.'), { host: name, port: null })
  assert.deepEqual(canonicalAuthority('a.test:8443'), { host: name, port: 8443 })
  assert.deepEqual(canonicalAuthority('[::1]'), { host: address, port: null })
  assert.deepEqual(canonicalAuthority('[::1]:65535'), { host: address, port: 65_535 })
  for (const text of [
    'a.test:',
    'a.test:0',
    'a.test:080',
    'a.test:65536',
    'a.test:+1',
    'a.test:\uff18\uff10',
  ])
    assert.match(refused(canonicalAuthority(text)), /^has no port behind its colon/)
  for (const text of ['::1', '::1:80', 'a.test:80:90'])
    assert.match(refused(canonicalAuthority(text)), /^has more than one colon/)
  assert.match(refused(canonicalAuthority('user:pw@a.test:80')), /^has a user in front/)
  assert.match(refused(canonicalAuthority('https://a.test')), /^is more than a host/)
  for (const text of ['[::1]x', '[::1]:80]', '[a.test]:80', ':80']) refused(canonicalAuthority(text))
})

test('a block of addresses has one spelling', () => {
  const texts = (written: string) => {
    const answer = addressBlock(written)
    return 'text' in answer ? answer.text : null
  }
  assert.equal(texts('10.2.0.0/16'), '10.2.0.0/16')
  assert.equal(texts('10.2.3.4'), '10.2.3.4/32')
  assert.equal(texts('FD00:0:0::/8'), 'fd00::/8')
  assert.equal(texts('fd00::7'), 'fd00::7/128')
  assert.equal(texts('0.0.0.0/0'), '0.0.0.0/0')
  assert.equal(texts('::/0'), '::/0')
  assert.match(
    refused(addressBlock('10.2.3.4/16')),
    /bits set behind its first 16\. Write 10\.2\.0\.0\/16\.$/,
  )
  assert.match(refused(addressBlock('fd00::1/8')), /Write fd00::\/8\.$/)
  assert.match(refused(addressBlock('::ffff:10.0.0.0/104')), /inside an IPv6 one\. Write 10\.0\.0\.0\/8\.$/)
  assert.match(refused(addressBlock('10/8')), /odd spelling/)
  for (const text of ['', '/', '/8', 'a.test', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '10.0.0.0/-1'])
    refused(addressBlock(text))
  for (const text of [
    '10.0.0.0/8/8',
    '10.0.0.0-10.0.0.9',
    '10.0.0.*',
    'fe80::%eth0/64',
    '10.0.0.0/255.0.0.0',
  ])
    refused(addressBlock(text))
})

test('a block contains what lies in it, and nothing of the other family', () => {
  const block = (text: string) => {
    const answer = addressBlock(text)
    assert.ok('text' in answer)
    return answer
  }
  const contains = (outer: string, inner: string) => blockContains(block(outer), block(inner))
  assert.ok(contains('10.0.0.0/8', '10.255.255.255'))
  assert.ok(contains('10.0.0.0/8', '10.0.0.0/8'))
  assert.ok(contains('fd00::/8', 'fdff::/16'))
  assert.ok(contains('0.0.0.0/0', '255.255.255.255'))
  assert.ok(!contains('10.0.0.0/8', '11.0.0.0'))
  assert.ok(!contains('10.0.0.0/9', '10.0.0.0/8'))
  assert.ok(!contains('::/0', '10.0.0.0/8'))
})

function refused(answer: object): string {
  assert.ok('what' in answer && 'advice' in answer, JSON.stringify(answer))
  return `${answer.what} ${answer.advice}`
}
