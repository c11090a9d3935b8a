import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { hostsIn, resolutionSource, serversIn } from '../../src/gateway/resolution.js'

test('resolv.conf gives its servers in their order, at most three; none is this host itself', () => {
  const text =
    '# nameserver 9.9.9.9\nnameserver 192.0.2.1\nsearch corp.example\n nameserver 2001:db8::1\nnameserver fe80::1%eth0\nnameserver name\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n'
  assert.deepEqual(serversIn(text), ['192.0.2.1:53', '[2001:db8::1]:53', '192.0.2.2:53'])
  assert.deepEqual(serversIn(''), ['127.0.0.1:53'])
})

test('a hosts file gives each name all its addresses, in any case and with a final dot', () => {
  const text =
    '127.0.0.1 localhost # loop\n192.0.2.1\tOne.Test one.test. two\n#192.0.2.9 three\n2001:db8::1 one.test\nnonsense four\n'
  assert.deepEqual(
    new Map(hostsIn(text)),
    new Map([
      ['localhost', ['127.0.0.1']],
      ['one.test', ['192.0.2.1', '2001:db8::1']],
      ['two', ['192.0.2.1']],
    ]),
  )
})

test('whatever the file holds, an address is one', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const [, addresses] of hostsIn(text)) assert.ok(addresses.every((each) => isIP(each) !== 0))
      for (const server of serversIn(text)) assert.match(server, /:53$/)
    }),
  )
})

test('the files are read again when they have changed, and given options take their place', () => {
  const source = resolutionSource({})
  assert.equal(source(), source())
  const given = resolutionSource({ resolvers: ['192.0.2.1:5353'], hosts: { 'A.test.': ['192.0.2.2'] } })
  assert.deepEqual(given(), { servers: ['192.0.2.1:5353'], hosts: [['a.test', ['192.0.2.2']]] })
})
