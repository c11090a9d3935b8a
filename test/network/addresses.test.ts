/**
 * The attack: a name that is allowed, whose owner gives it the address of something that the job must not reach; and every spelling
 * of such an address. What is dialled is what this says, so each line here is one that a regression would dial.
 */
import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { describe, test } from 'node:test'
import ipaddr from 'ipaddr.js'
import { classifyAddress } from '../../src/network/index.js'
import {
  EMBEDDED,
  LOOPBACK,
  METADATA,
  NEVER,
  PRIVATE,
  type SpecialBlock,
} from '../../src/policy/special-addresses.js'

const EVERYTHING = ['0.0.0.0/0', '::/0']

function verdict(address: string, open: readonly string[] = [], own: readonly string[] = []): string {
  return classifyAddress(address, open, own).verdict
}

/** First and last address of a block, and those beside it. */
function edges(block: string): { inside: string[]; outside: string[] } {
  const [first, length] = ipaddr.parseCIDR(block)
  const bits = first.kind() === 'ipv4' ? 32 : 128
  const low = BigInt(`0x${Buffer.from(first.toByteArray()).toString('hex')}`)
  const high = low + (1n << BigInt(bits - length)) - 1n
  const middle = (low + high) / 2n
  const most = (1n << BigInt(bits)) - 1n
  const text = (value: bigint) =>
    ipaddr.fromByteArray([...Buffer.from(value.toString(16).padStart(bits / 4, '0'), 'hex')]).toString()
  return {
    inside: [low, low + (high > low ? 1n : 0n), middle, high].map(text),
    outside: [low - 1n, high + 1n].filter((value) => value >= 0n && value <= most).map(text),
  }
}

const ALL: readonly SpecialBlock[] = [...EMBEDDED, ...METADATA, ...NEVER, ...LOOPBACK, ...PRIVATE]

describe('no address of a special block is dialled', () => {
  for (const [block, , source] of ALL)
    test(`${block}: ${source}`, () => {
      for (const address of edges(block).inside) assert.notEqual(verdict(address), 'allow', address)
    })

  test('what stands beside a block has its own row, or is public', () => {
    for (const [block] of ALL)
      for (const address of edges(block).outside) {
        const special = ALL.some(([other]) => {
          const [first, length] = ipaddr.parseCIDR(other)
          const parsed = ipaddr.parse(address)
          return parsed.kind() === first.kind() && parsed.match(first, length)
        })
        const allocated =
          !address.includes(':') ||
          (/^[23][0-9a-f]{3}:/.test(address) && !/^2001:1?[0-9a-f]{0,2}:/.test(address))
        assert.equal(verdict(address) === 'allow', !special && allocated, `${address}, beside ${block}`)
      }
  })

  test('all of the IPv4 space, one address of each /16: what is refused is what the table has', () => {
    const blocks = ALL.map(([block]) => ipaddr.parseCIDR(block))
    for (let high = 0; high < 65_536; high++) {
      const address = `${high >> 8}.${high & 255}.77.7`
      const parsed = ipaddr.IPv4.parse(address)
      const special = blocks.some(
        ([first, length]) => first.kind() === 'ipv4' && parsed.match(first as ipaddr.IPv4, length),
      )
      assert.equal(verdict(address) === 'allow', !special, address)
    }
  })
})

describe('metadata services', () => {
  const SERVICES = [
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    '169.254.0.23',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
  ]
  for (const address of SERVICES)
    test(`${address} is opened by nothing: no block that holds it, not its own, not by being this host`, () => {
      const bits = address.includes(':') ? 128 : 32
      for (const open of [[], EVERYTHING, [`${address}/${bits}`]])
        for (const own of [[], [address]]) assert.equal(verdict(address, open, own), 'denyMetadata')
    })

  test('in no spelling, and in no IPv6 address that holds it', () => {
    for (const spelling of [
      '0xa9fea9fe',
      '2852039166',
      '0251.0376.0251.0376',
      '169.254.43518',
      '169.16689662',
    ])
      assert.equal(verdict(spelling, EVERYTHING), 'denyMetadata', spelling)
    for (const spelling of [
      '::ffff:169.254.169.254',
      '::ffff:a9fe:a9fe',
      '::ffff:0:169.254.169.254',
      '::169.254.169.254',
      '64:ff9b::169.254.169.254',
      '64:ff9b:1::a9fe:a9fe',
      '2002:a9fe:a9fe::1',
      '2001::5601:5601:5601', // Teredo: every bit of the client turned
      '2001:0:a9fe:a9fe::1', // Teredo: the server
      'fe80::5efe:169.254.169.254',
      '2a00:1450::200:5efe:a9fe:a9fe',
      'fd00::5efe:a9fe:a9fe',
    ])
      assert.equal(verdict(spelling, EVERYTHING), 'denyEmbedded', spelling)
  })
})

describe('what a rule opens with `private`', () => {
  test('exactly its blocks', () => {
    assert.equal(verdict('10.2.3.4', ['10.2.0.0/16']), 'allow')
    assert.equal(verdict('10.3.0.0', ['10.2.0.0/16']), 'denyPrivate')
    assert.equal(verdict('10.1.255.255', ['10.2.0.0/16']), 'denyPrivate')
    assert.equal(verdict('fd12::1', ['fd12::/16']), 'allow')
    assert.equal(verdict('fd13::1', ['fd12::/16']), 'denyPrivate')
    assert.equal(verdict('100.64.0.1', ['100.64.0.0/10']), 'allow')
    assert.equal(verdict('169.254.7.7', ['169.254.0.0/16']), 'allow')
    assert.equal(verdict('198.18.7.7', ['198.18.0.0/15']), 'allow')
  })

  test('never what no host has: multicast, reserved, unspecified, documentation', () => {
    for (const address of [
      '0.0.0.0',
      '0.1.2.3',
      '224.0.0.1',
      '239.1.1.1',
      '240.0.0.1',
      '255.255.255.255',
      '::',
      'ff02::1',
      '192.0.2.1',
      '2001:db8::1',
      '4000::1',
      'fec0::1',
      '100::1',
    ])
      assert.notEqual(
        verdict(address, [...EVERYTHING, `${address}/${address.includes(':') ? 128 : 32}`]),
        'allow',
        address,
      )
  })

  test('a block that is none opens nothing', () => {
    for (const block of ['', '10.0.0.0', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', 'x/8', '::/8/8'])
      assert.equal(verdict('10.0.0.1', [block]), 'denyPrivate', block)
  })

  test("this host's loopback only to a block that lies in it: a wide one is no decision about it", () => {
    for (const address of ['127.0.0.1', '127.255.255.254', '::1'])
      assert.equal(verdict(address, [...EVERYTHING, '127.0.0.0/7', '::/127']), 'denyLoopback', address)
    assert.equal(verdict('127.0.0.1', ['127.0.0.0/8']), 'allow')
    assert.equal(verdict('127.0.0.1', ['127.0.0.1/32']), 'allow')
    assert.equal(verdict('127.0.0.2', ['127.0.0.1/32']), 'denyLoopback')
    assert.equal(verdict('::1', ['::1/128']), 'allow')
    assert.equal(verdict('::1', ['127.0.0.0/8']), 'denyLoopback')
    assert.equal(verdict('127.0.0.1', ['127.0.0.0/8'], ['127.0.0.1', '::1']), 'allow')
  })

  test("this host's own addresses, public and private, only to exactly that address", () => {
    const own = ['10.2.0.1', '8.8.4.4', 'fe80::1%eth0', '2a00:1450::7', '::ffff:9.9.9.9']
    for (const address of ['10.2.0.1', '8.8.4.4', 'fe80::1', '2a00:1450::7', '2a00:1450:0::0007', '9.9.9.9'])
      assert.equal(
        verdict(address, [...EVERYTHING, '10.2.0.0/31', '8.8.4.4/31'], own),
        'denyOwnAddress',
        address,
      )
    assert.equal(verdict('10.2.0.1', ['10.2.0.1/32'], own), 'allow')
    assert.equal(verdict('2a00:1450::7', ['2a00:1450::7/128'], own), 'allow')
    assert.equal(verdict('10.2.0.2', ['10.2.0.0/16'], own), 'allow')
  })

  test('the addresses that this machine has right now are its own, in every spelling', () => {
    const own = Object.values(networkInterfaces()).flatMap((each) =>
      (each ?? []).map(({ address }) => address),
    )
    assert.ok(own.length > 0)
    for (const address of own) assert.notEqual(verdict(address, EVERYTHING, own), 'allow', address)
  })
})

describe('what is no address', () => {
  for (const text of [
    '',
    ' ',
    'a',
    'localhost',
    '1.2.3.4.5',
    '256.1.1.1',
    '8.8.8.8 ',
    '8.8.8.8\0',
    '８.8.8.8',
    '8。8。8。8',
    '::g',
    '1::2::3',
    'fe80::1%eth0',
    '[2a00::1]',
    '2a00::1/128',
    '4294967296',
  ])
    test(`${JSON.stringify(text)} is not dialled`, () =>
      assert.equal(verdict(text, EVERYTHING), 'denyReserved'))
})

test('a public address passes, in its canonical form', () => {
  for (const [text, address] of [
    ['93.184.216.34', '93.184.216.34'],
    ['0x5db8d822', '93.184.216.34'],
    ['2606:4700:0:0::1111', '2606:4700::1111'],
    ['2A00:1450:4001:0:0:0:0:200E', '2a00:1450:4001::200e'],
  ] as const) {
    const answer = classifyAddress(text, [], [])
    assert.equal(answer.verdict, 'allow')
    assert.deepEqual(answer.verdict === 'allow' && { ...answer.checked }, {
      address,
      family: address.includes(':') ? 6 : 4,
    })
  }
})
