import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { classifyAddress, VERDICTS } from '../../src/network/index.js'
import { canonicalHostName } from '../../src/policy/index.js'
import {
  EMBEDDED,
  GLOBAL_UNICAST,
  LOOPBACK,
  METADATA,
  NEVER,
  PRIVATE,
} from '../../src/policy/special-addresses.js'
import { fuzzTime } from './tools.js'

const TESTS = 5
const SPECIAL = [...EMBEDDED, ...METADATA, ...NEVER, ...LOOPBACK, ...PRIVATE].map(([block]) =>
  ipaddr.parseCIDR(block),
)
const CLOSED = [...EMBEDDED, ...METADATA, ...NEVER].map(([block]) => ipaddr.parseCIDR(block))

const bytes4 = fc.uint8Array({ minLength: 4, maxLength: 4 })
const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 })

/** An address of a block, with the bits behind its prefix at random. */
function within([first, length]: (typeof SPECIAL)[number], noise: Uint8Array): ipaddr.IPv4 | ipaddr.IPv6 {
  return ipaddr.fromByteArray(
    first.toByteArray().map((byte, index) => {
      const fixed = Math.min(8, Math.max(0, length - index * 8))
      const mask = (0xff << (8 - fixed)) & 0xff
      return (byte & mask) | ((noise[index] ?? 0) & ~mask & 0xff)
    }),
  )
}

function lies(address: ipaddr.IPv4 | ipaddr.IPv6, [first, length]: (typeof SPECIAL)[number]): boolean {
  return address.kind() === first.kind() && address.match(first, length)
}

/** Ways in which readers of addresses let one be written. */
function spellings(address: ipaddr.IPv4 | ipaddr.IPv6): string[] {
  if (address instanceof ipaddr.IPv6)
    return [
      address.toString(),
      address.toNormalizedString(),
      address.parts.map((part) => part.toString(16).padStart(4, '0')).join(':'),
      address.toString().toUpperCase(),
    ]
  const [a = 0, b = 0, c = 0, d = 0] = address.octets
  const whole = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
  const octal = (byte: number) => `0${byte.toString(8)}`
  return [
    address.toString(),
    `${whole}`,
    `0x${whole.toString(16)}`,
    `0${whole.toString(8)}`,
    `${a}.${(b << 16) | (c << 8) | d}`,
    `${a}.${b}.${(c << 8) | d}`,
    [a, b, c, d].map((byte) => `0x${byte.toString(16)}`).join('.'),
    [a, b, c, d].map(octal).join('.'),
    `0x${a.toString(16)}.${octal(b)}.${(c << 8) | d}`,
  ]
}

describe('addresses at random', () => {
  test('none of a special block is dialled, whatever is random behind its prefix', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SPECIAL), bytes16, (block, noise) => {
        const address = within(block, noise).toString()
        assert.notEqual(classifyAddress(address, [], []).verdict, 'allow', address)
      }),
      fuzzTime(TESTS),
    )
  })

  test('none that no rule can open is opened, by any blocks at all', () => {
    const open = fc.array(
      fc
        .oneof(
          fc.tuple(bytes4, fc.integer({ min: 0, max: 32 })),
          fc.tuple(bytes16, fc.integer({ min: 0, max: 128 })),
        )
        .map(([bytes, length]) => `${ipaddr.fromByteArray([...bytes])}/${length}`),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(fc.constantFrom(...CLOSED), bytes16, open, (block, noise, blocks) => {
        const address = within(block, noise)
        if (address.toString() === '::1') return
        const exactly = `${address}/${address.kind() === 'ipv4' ? 32 : 128}`
        const { verdict } = classifyAddress(address.toString(), ['0.0.0.0/0', '::/0', exactly, ...blocks], [])
        assert.notEqual(verdict, 'allow', address.toString())
      }),
      fuzzTime(TESTS),
    )
  })

  test('a public one passes as what it is, unless it is this host', () => {
    const global = ipaddr.parseCIDR(GLOBAL_UNICAST)
    const address = fc
      .oneof(
        bytes4,
        bytes16.map((bytes) => Uint8Array.from(within(global, bytes).toByteArray())),
      )
      .map((bytes) => ipaddr.fromByteArray([...bytes]))
      .filter((each) => !SPECIAL.some((block) => lies(each, block)))
      .filter((each) => !lies(each, ipaddr.parseCIDR('2001::/23')))
      .filter((each) => !(each instanceof ipaddr.IPv6 && each.parts[5] === 0x5efe))
    fc.assert(
      fc.property(address, (each) => {
        const answer = classifyAddress(each.toString(), [], [])
        assert.ok(answer.verdict === 'allow', each.toString())
        // one spelling: what is dialled is what a rule would have to say
        assert.deepEqual(canonicalHostName(each.toString()), {
          kind: 'address',
          address: answer.checked.address,
        })
        assert.equal(
          classifyAddress(each.toString(), [], [each.toNormalizedString()]).verdict,
          'denyOwnAddress',
        )
      }),
      fuzzTime(TESTS),
    )
  })

  test('all spellings of an address have one verdict, and lead to one address', () => {
    const address = fc.oneof(
      bytes4.map((bytes) => ipaddr.fromByteArray([...bytes])),
      bytes16.map((bytes) => ipaddr.fromByteArray([...bytes])),
      fc.tuple(fc.constantFrom(...SPECIAL), bytes16).map(([block, noise]) => within(block, noise)),
    )
    fc.assert(
      fc.property(address, fc.boolean(), (each, opened) => {
        const open = opened ? ['10.0.0.0/8', '127.0.0.0/8', 'fc00::/7', '::1/128'] : []
        const first = classifyAddress(each.toString(), open, [])
        for (const spelling of spellings(each))
          assert.deepEqual(classifyAddress(spelling, open, []), first, spelling)
      }),
      fuzzTime(TESTS),
    )
  })

  test('junk is refused with a verdict, and never throws', () => {
    const junk = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdefx.:%/[] ') }),
    )
    fc.assert(
      fc.property(
        junk,
        fc.array(junk, { maxLength: 2 }),
        fc.array(junk, { maxLength: 2 }),
        (text, open, own) => {
          assert.ok(VERDICTS.includes(classifyAddress(text, open, own).verdict))
        },
      ),
      fuzzTime(TESTS),
    )
  })
})
