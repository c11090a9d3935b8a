import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { classifyAddress, MAX_NAMES, RESOLVER, SyntheticAddresses } from '../../src/network/index.js'

describe('addresses that stand for names', () => {
  test('are one of each family for a name, and lead back to it in every spelling', () => {
    const addresses = new SyntheticAddresses()
    assert.equal(addresses.addressOf('a.test', 4), '198.18.0.2')
    assert.equal(addresses.addressOf('a.test', 6), 'fd67:6c6f:7665::c612:2')
    assert.equal(addresses.addressOf('b.test', 4), '198.18.0.3')
    assert.equal(addresses.addressOf('a.test', 4), '198.18.0.2')
    for (const spelling of [
      '198.18.0.2',
      '::ffff:198.18.0.2',
      '::ffff:c612:2',
      'fd67:6c6f:7665:0:0:0:c612:2',
      'FD67:6C6F:7665::C612:0002',
    ])
      assert.equal(addresses.nameOf(spelling), 'a.test', spelling)
  })

  test('that were given to nobody stand for nothing, and are known to be no literal', () => {
    const addresses = new SyntheticAddresses()
    addresses.addressOf('a.test', 4)
    for (const address of [
      '198.18.0.3',
      '198.19.255.255',
      'fd67:6c6f:7665::c612:3',
      '198.18.0.0',
      RESOLVER,
    ]) {
      assert.equal(addresses.nameOf(address), null)
      assert.ok(addresses.covers(address), address)
    }
    for (const address of [
      '198.17.255.255',
      '198.20.0.0',
      'fd67:6c6f:7665::1',
      'fd67:6c6f:7665:1::c612:2',
      'fd67:6c6f:7666::c612:2',
      '::c612:2',
      '',
      'a.test',
    ]) {
      assert.equal(addresses.nameOf(address), null)
      assert.ok(!addresses.covers(address), address)
    }
  })

  test('of one sandbox say nothing about those of another', () => {
    const [one, other] = [new SyntheticAddresses(), new SyntheticAddresses()]
    one.addressOf('a.test', 4)
    assert.equal(other.nameOf('198.18.0.2'), null)
    other.addressOf('b.test', 4)
    assert.equal(other.nameOf('198.18.0.2'), 'b.test')
    assert.equal(one.nameOf('198.18.0.2'), 'a.test')
  })

  test('are as many as a sandbox may have names, all different, none of them the resolver, a network or a router', () => {
    const addresses = new SyntheticAddresses()
    const given = Array.from({ length: MAX_NAMES }, (_, index) => addresses.addressOf(`n${index}.test`, 4))
    assert.equal(new Set(given).size, MAX_NAMES)
    for (const reserved of [RESOLVER, '198.18.0.0', '198.18.0.1', null]) assert.ok(!given.includes(reserved))
    assert.equal(addresses.addressOf('one-more.test', 4), null)
    assert.equal(addresses.addressOf('n0.test', 6), 'fd67:6c6f:7665::c612:2')
    for (const [index, address] of given.entries())
      assert.equal(addresses.nameOf(address ?? ''), `n${index}.test`)
  })

  test('are never dialled themselves, should one come out of a resolver', () => {
    for (const address of ['198.18.0.2', 'fd67:6c6f:7665::c612:2'])
      assert.notEqual(classifyAddress(address, [], []).verdict, 'allow')
  })
})
