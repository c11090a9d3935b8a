/** Canonical forms under any text: never a throw, one form for one host, and never another one than Node's and ipaddr.js's. */
import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import {
  addressBlock,
  blockContains,
  canonicalAuthority,
  canonicalHostName,
  canonicalWireName,
} from '../../src/policy/index.js'

const seconds = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 0) / 4
const seed = Number(process.env.GLOVEBOX_FUZZ_SEED ?? Date.now() % 2 ** 31)
const runs = seconds > 0 ? { numRuns: 1e9, interruptAfterTimeLimit: seconds * 1000 } : { numRuns: 2000 }
const settings = { ...runs, seed, markInterruptAsFailure: false }

const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('a', 'B', 'test', 'xn--', '-', '_', '.', '.', ':', '::', '[', ']'),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom('0', '1', '127', '0x', 'ff', 'ffff', '%', '@', '/', '*', '\0', '\r\n'),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom('\u3002', '\uff0e', '\uff11', '\u00df', '\u00ad', '\u200d', '\u0660'),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) },
)
const text = fc.oneof(
  fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.domain(),
  fc.ipV4Extended(),
  fc.ipV6(),
)

test(`any text is refused or has one canonical form, which is its own (seed ${seed})`, () => {
  let [made, accepted] = [0, 0]
  const check = (given: string) => {
    made++
    const answer = canonicalHostName(given)
    if ('what' in answer) {
      assert.match(answer.what, /^[^\p{Cc}]+\.$/u)
      return
    }
    accepted++
    if (answer.kind === 'name') {
      assert.match(answer.name, /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/)
      assert.ok(
        answer.name.length <= 253 &&
          answer.name.split('.').every(({ length }) => length >= 1 && length <= 63),
      )
      assert.ok(!isIPv4(answer.name) && !ipaddr.IPv4.isValid(answer.name), answer.name)
      assert.deepEqual(canonicalWireName(answer.name), answer)
      assert.deepEqual(canonicalHostName(`${answer.name.toUpperCase()}.`), answer)
    } else assert.ok(isIPv4(answer.address) || isIPv6(answer.address), answer.address)
    assert.deepEqual(canonicalHostName(answer.kind === 'name' ? answer.name : answer.address), answer)
  }
  fc.assert(fc.property(text, check), settings)
  // a fuzzer whose every input is refused at the door checks nothing behind it
  assert.ok(accepted > made / 20, `${accepted} of ${made} accepted`)
})

test(`an address is what Node and ipaddr.js take it for (seed ${seed})`, () => {
  const v6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ipaddr.fromByteArray([...bytes]))
  const sparse = fc
    .array(fc.constantFrom(0, 0, 0, 1, 0xff, 0xffff), { minLength: 8, maxLength: 8 })
    .map((parts) => new ipaddr.IPv6(parts))
  const check = (address: ipaddr.IPv6) => {
    const plain = address.toRFC5952String()
    const whole = address.parts.map((part) => part.toString(16).padStart(4, '0')).join(':')
    for (const written of [address.toNormalizedString(), whole, `[${plain.toUpperCase()}]`]) {
      const answer = canonicalHostName(written)
      if (address.isIPv4MappedAddress()) assert.ok('what' in answer)
      else assert.deepEqual(answer, { kind: 'address', address: plain })
    }
  }
  fc.assert(fc.property(fc.oneof(v6 as fc.Arbitrary<ipaddr.IPv6>, sparse), check), settings)
  const odd = (given: string) => {
    const answer = canonicalHostName(given)
    if ('address' in answer) assert.ok(isIPv4(answer.address) || isIPv6(answer.address))
    if ('name' in answer) assert.ok(!isIPv6(given) && !isIPv4(given), given)
  }
  fc.assert(fc.property(text, odd), settings)
})

test(`any text is refused or is a host and a port (seed ${seed})`, () => {
  const check = (given: string) => {
    const answer = canonicalAuthority(given)
    if ('what' in answer) return
    const host = answer.host.kind === 'name' ? answer.host.name : answer.host.address
    const plain = host.includes(':') ? `[${host}]` : host
    assert.deepEqual(canonicalAuthority(answer.port === null ? plain : `${plain}:${answer.port}`), answer)
  }
  const port = fc.oneof(fc.integer({ min: -1, max: 70_000 }).map(String), piece)
  fc.assert(
    fc.property(
      fc.oneof(
        text,
        fc.tuple(text, port).map((pair) => pair.join(':')),
      ),
      check,
    ),
    settings,
  )
})

test(`a block has one spelling, and holds what ipaddr.js says that it holds (seed ${seed})`, () => {
  const v4 = fc
    .integer({ min: 0, max: 2 ** 32 - 1 })
    .map((value) => ipaddr.fromByteArray(bytesOf(value)).toString())
  const address = fc.oneof(v4, fc.ipV6())
  const check = (base: string, length: number, other: string) => {
    const answer = addressBlock(`${base}/${length}`)
    const host = addressBlock(other)
    if ('what' in answer) {
      const [, better] = /^Write (\S+\/\d+)\.$/.exec(answer.advice) ?? []
      if (better !== undefined) assert.ok('text' in addressBlock(better), better)
      return
    }
    assert.deepEqual(addressBlock(answer.text), answer)
    assert.equal(ipaddr.parseCIDR(answer.text)[1], answer.length)
    if ('what' in host) return
    // by the canonical text: ipaddr.js reads ::192.0.2.1 as if it were ::ffff:192.0.2.1
    const [mine, theirs] = [
      ipaddr.parse(answer.text.replace(/\/.*/, '')),
      ipaddr.parse(host.text.replace(/\/.*/, '')),
    ]
    const holds = mine.kind() === theirs.kind() && theirs.match(mine as never, answer.length)
    assert.equal(blockContains(answer, host), holds, `${answer.text} ${other}`)
  }
  const rounded = fc
    .tuple(address, fc.integer({ min: 0, max: 128 }), address)
    .map(([base, length, other]) => {
      const answer = addressBlock(`${base}/${length}`)
      const [, better] = 'what' in answer ? (/^Write (\S+)\/\d+\.$/.exec(answer.advice) ?? []) : []
      return [better ?? base, length, other] as const
    })
  fc.assert(
    fc.property(rounded, (given) => check(...given)),
    settings,
  )
  const noise = fc.tuple(text, fc.oneof(text, fc.nat(140).map(String))).map((pair) => pair.join('/'))
  fc.assert(
    fc.property(noise, (given) => void addressBlock(given)),
    settings,
  )
})

function bytesOf(value: number): number[] {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255)
}
