/**
 * The attacks: a name that looks like an allowed one, a wildcard that crosses what it should not, an address without a lookup, a metadata
 * service by name.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { allowsName, rulesFor, type Target } from '../../src/network/index.js'
import type { NetworkPlan } from '../../src/plan/index.js'
import { named, plan, rule } from './tools.js'

const PUBLIC = rule(
  { kind: 'public' },
  {
    name: 'network.public',
    ports: [
      { port: 80, protocol: 'http' },
      { port: 443, protocol: 'tls' },
      { port: 8443, protocol: 'web' },
    ],
  },
)

const name = (text: string): Target => ({ kind: 'name', name: text })
const address = (text: string): Target => ({ kind: 'address', address: text })

function verdict(of: NetworkPlan, target: Target, port = 443): string {
  return rulesFor(of, target, port).verdict
}

describe('a name', () => {
  test('is allowed by the rule that names it, on the ports of that rule', () => {
    const of = plan(
      named('api.test', {
        ports: [
          { port: 443, protocol: 'tls' },
          { port: 80, protocol: 'http' },
        ],
      }),
    )
    assert.deepEqual(rulesFor(of, name('api.test'), 80), {
      verdict: 'allow',
      rules: [of.rules[0]],
      protocol: 'http',
      inspect: false,
    })
    assert.equal(verdict(of, name('api.test'), 8443), 'denyPort')
    assert.equal(verdict(of, name('evil.test'), 443), 'denyName')
    assert.equal(verdict(of, name('evil.test'), 22), 'denyName')
  })

  test('is not one that looks like it', () => {
    for (const other of ['evil-api.test', 'api.test.evil.test', 'x.api.test', 'api.tes', 'pi.test', 'test'])
      assert.equal(verdict(plan(named('api.test')), name(other)), 'denyName', other)
  })

  test('below a wildcard has one label more or several, and is never the apex, nor a word that ends so', () => {
    const of = plan(rule({ kind: 'below', name: 'cdn.test' }))
    for (const each of ['a.cdn.test', 'a.b.cdn.test']) assert.equal(verdict(of, name(each)), 'allow', each)
    for (const each of ['cdn.test', 'evilcdn.test', 'a.cdn.test.evil.test'])
      assert.equal(verdict(of, name(each)), 'denyName', each)
  })

  test('below a wildcard belongs to whom the wildcard names, and is nobody else’s on a domain that is shared', () => {
    const of = plan(rule({ kind: 'below', name: 'amazonaws.com' }))
    assert.equal(verdict(of, name('sts.amazonaws.com')), 'allow')
    for (const each of ['anyone.s3.amazonaws.com', 's3.amazonaws.com'])
      assert.equal(verdict(of, name(each)), 'denyName', each)
  })

  test('has the rules that cover it in their order; the first says what a port speaks', () => {
    const first = named('api.site.test', {
      name: 'network.allow[0]',
      methods: ['GET'],
      ports: [{ port: 80, protocol: 'http' }],
    })
    const other = named('api.site.test', { name: 'network.allow[1]', ports: [{ port: 80, protocol: 'tcp' }] })
    const wide = rule(
      { kind: 'below', name: 'site.test' },
      { name: 'network.allow[2]', ports: [{ port: 80, protocol: 'http' }] },
    )
    assert.deepEqual(rulesFor(plan(first, other, wide), name('api.site.test'), 80), {
      verdict: 'allow',
      rules: [first, wide],
      protocol: 'http',
      inspect: false,
    })
  })

  test('is looked into or passed on unread as the first rule says, and rules that say otherwise add nothing', () => {
    const looked = named('a.test', { inspect: true, methods: ['GET'] })
    const unread = rule({ kind: 'public' }, { name: 'network.public' })
    const found = rulesFor(plan(looked, unread), name('a.test'), 443)
    assert.deepEqual(found, { verdict: 'allow', rules: [looked], protocol: 'tls', inspect: true })
    const first = rulesFor(plan(unread, looked), name('a.test'), 443)
    assert.deepEqual(first.verdict === 'allow' && [first.rules.length, first.inspect], [1, false])
  })

  test('of a metadata service is refused whatever rule there is', () => {
    const of = plan(
      named('metadata.google.internal'),
      named('metadata'),
      rule({ kind: 'below', name: 'google.internal' }),
      PUBLIC,
    )
    for (const each of ['metadata.google.internal', 'metadata', 'instance-data.ec2.internal']) {
      assert.equal(verdict(of, name(each)), 'denyMetadata')
      assert.equal(allowsName(of, each), false)
    }
  })
})

describe('`public`', () => {
  test('is every name that public DNS may have, on its ports', () => {
    for (const each of ['site.test', 'www.site.test', 'xn--bcher-kva.test'])
      assert.equal(verdict(plan(PUBLIC), name(each)), 'allow', each)
    assert.equal(verdict(plan(PUBLIC), name('site.test'), 22), 'denyPort')
  })

  test('is no name of this machine or this network', () => {
    for (const each of [
      'localhost',
      'a.localhost',
      'printer.local',
      'db.internal',
      'intranet',
      'router.home.arpa',
      'router.lan',
      'x.invalid',
      'x.onion',
      '1.0.0.127.in-addr.arpa',
    ])
      assert.equal(verdict(plan(PUBLIC), name(each)), 'denyName', each)
  })

  test('is every public address, and no other', () => {
    assert.equal(verdict(plan(PUBLIC), address('93.184.216.34')), 'allow')
    for (const [each, expected] of [
      ['127.0.0.1', 'denyLoopback'],
      ['10.0.0.1', 'denyPrivate'],
      ['169.254.169.254', 'denyMetadata'],
      ['169.254.1.1', 'denyLinkLocal'],
      ['100.64.0.1', 'denyCgnat'],
      ['224.0.0.1', 'denyMulticast'],
      ['0.0.0.0', 'denyReserved'],
      ['::ffff:127.0.0.1', 'denyEmbedded'],
    ] as const)
      assert.equal(verdict(plan(PUBLIC), address(each)), expected, each)
  })
})

describe('an address without a lookup', () => {
  test('is refused, with what it is, though its host may be allowed by name', () => {
    const of = plan(named('api.test', { private: ['10.0.0.0/8'] }))
    assert.equal(verdict(of, address('93.184.216.34')), 'denyLiteral')
    assert.equal(verdict(of, address('10.0.0.1')), 'denyPrivate')
    assert.equal(verdict(of, address('169.254.169.254')), 'denyMetadata')
  })

  test('is allowed by a rule for exactly it', () => {
    const of = plan(rule({ kind: 'address', address: '2606:4700::1111' }))
    assert.equal(verdict(of, address('2606:4700::1111')), 'allow')
    assert.equal(verdict(of, address('2606:4700::1112')), 'denyLiteral')
    assert.equal(verdict(of, address('2606:4700::1111'), 80), 'denyPort')
    assert.equal(verdict(of, name('2606:4700::1111')), 'denyName')
  })
})

test('a name has an address inside exactly if a rule names it, on whatever port; localhost is the job itself', () => {
  const of = plan(
    named('api.test', { ports: [{ port: 22, protocol: 'tcp' }] }),
    named('localhost'),
    rule({ kind: 'below', name: 'cdn.test' }),
  )
  for (const [each, expected] of [
    ['api.test', true],
    ['a.cdn.test', true],
    ['cdn.test', false],
    ['evil.test', false],
    ['localhost', false],
  ] as const)
    assert.equal(allowsName(of, each), expected, each)
})
