/** Networks under any input: refused with a PolicyError, or canonical, said a second time and in other words. */
import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { getPublicSuffix } from 'tldts'
import { PolicyError } from '../../src/errors/index.js'
import {
  type HostRule,
  type NetworkPolicy,
  parsePolicy,
  policyDocument,
  policyFromFlags,
  policySha256,
} from '../../src/policy/index.js'
import { NO_CEILING } from './harness.js'

const seconds = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 0) / 2
const seed = Number(process.env.GLOVEBOX_FUZZ_SEED ?? Date.now() % 2 ** 31)
const runs = seconds > 0 ? { numRuns: 1e9, interruptAfterTimeLimit: seconds * 1000 } : { numRuns: 150 }
const settings = { ...runs, seed, markInterruptAsFailure: false }
const options = { ceiling: NO_CEILING, baseDir: '/' }

function assertCanonical(network: NetworkPolicy): void {
  for (const rule of network.allow) assertRule(rule)
  for (const { budget } of network.allow)
    assert.ok((budget.maxUploadBytes ?? 0) <= network.budget.maxUploadBytes)
  assert.ok(Object.values(network.budget).every((value) => Number.isSafeInteger(value) && value >= 1))
  assert.ok(Object.values(network.timeouts).every((value) => value >= 1))
}

function assertRule({ host, ports, methods, paths, private: blocks }: HostRule): void {
  if (host.kind === 'address') assert.ok(isIP(host.address) > 0, host.address)
  else {
    assert.match(host.name, /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/)
    assert.equal(isIP(host.name), 0)
  }
  if (host.kind === 'below')
    assert.notEqual(getPublicSuffix(host.name, { allowPrivateDomains: true }), host.name)
  assert.ok(ports.length > 0)
  assert.equal(new Set(ports.map(({ port }) => port)).size, ports.length)
  for (const { port, protocol } of ports) {
    assert.ok(Number.isInteger(port) && port >= 1 && port <= 65_535)
    if (methods !== null || paths !== null) assert.equal(protocol, 'http')
  }
  for (const block of blocks) {
    const [address, length] = ipaddr.parseCIDR(block)
    const whole = length === (address.kind() === 'ipv4' ? 32 : 128)
    assert.ok(whole || address.range() !== 'unicast', block)
  }
}

function hold(make: () => ReturnType<typeof parsePolicy>): boolean {
  try {
    const policy = make()
    if (policy.network !== null) assertCanonical(policy.network)
    const again = parsePolicy(policyDocument(policy), options)
    assert.equal(policySha256(again), policySha256(policy), 'the written form is another policy')
    return true
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    assert.doesNotMatch(error.message, /[^\n\P{Cc}]|\p{Zl}|\p{Zp}/u, 'a control character in a message')
    return false
  }
}

/** Right in all but one of twenty. */
const mostly = <T>(right: fc.Arbitrary<T>, wrong: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 19, arbitrary: right as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: wrong })
const odd = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.constantFrom(null, true, [], {}, '', 0, -1, '0s', '1MB', '10.0.0.0/7', '169.254.169.254'),
)
const hostName = mostly(
  fc.constantFrom(
    'a.test',
    'B.test.',
    '*.c.test',
    'b\u00fccher.test',
    '203.0.113.7',
    '2001:DB8::7',
    'x.c.test',
  ),
  fc.constantFrom('*.test', '*', '127.1', '10.0.0.1', 'a..b', 'localhost', '::ffff:1.2.3.4', 'a%2e.test'),
)
const ports = mostly(fc.uniqueArray(fc.constantFrom(80, 443, 8080), { minLength: 1, maxLength: 2 }), odd)
const budget = {
  maxUpload: mostly(fc.constantFrom('1B', '64KiB', '64MiB'), odd),
  maxConnections: mostly(fc.integer({ min: 1, max: 128 }), odd),
}
const longRule = fc.record(
  {
    host: hostName,
    ports,
    protocol: mostly(fc.constantFrom('tls', 'http', 'tcp'), odd),
    methods: fc.oneof(
      { weight: 1, arbitrary: fc.constant(['GET']) },
      { weight: 9, arbitrary: fc.constant(undefined) },
    ),
    private: fc.array(mostly(fc.constantFrom('10.0.0.0/8', '10.2.0.0/16', 'fd00::/8', '127.0.0.1'), odd), {
      maxLength: 2,
    }),
    ...budget,
  },
  { requiredKeys: ['host'] },
)
const shortRule = fc.tuple(hostName, fc.constantFrom('', ':443', ':80', ':8080')).map((pair) => pair.join(''))
const network = fc.record(
  {
    allow: mostly(fc.array(mostly(fc.oneof(shortRule, longRule), odd), { maxLength: 2 }), odd),
    public: mostly(fc.record({ ports, ...budget }, { requiredKeys: [] }), odd),
    loopback: mostly(fc.boolean(), odd),
    maxDownload: mostly(fc.constantFrom('1B', '2GiB'), odd),
    timeouts: mostly(fc.constantFrom({}, { connect: '1s' }, { head: '10ms', idle: '24h' }), odd),
  },
  { requiredKeys: [] },
)

test(`a nearly right network is refused with a PolicyError or is canonical (seed ${seed})`, () => {
  let [made, accepted] = [0, 0]
  const check = (section: object) => {
    made++
    if (hold(() => parsePolicy({ version: 1, network: section }, options))) accepted++
  }
  fc.assert(fc.property(network, check), settings)
  // a fuzzer whose every input is refused at the door checks nothing behind it
  assert.ok(accepted > made / 10, `${accepted} of ${made} accepted`)
  assert.ok(accepted < made * 0.9, `${accepted} of ${made} accepted`)
})

test(`any text of --allow-host is refused with a PolicyError or is a canonical rule (seed ${seed})`, () => {
  const part = fc.oneof(
    fc.constantFrom(...'.:*[]@/%_-', 'a', 'test', '443', '::', 'xn--'),
    fc.string({ unit: 'binary' }),
  )
  const text = fc.oneof(
    shortRule,
    fc.array(part, { maxLength: 6 }).map((parts) => parts.join('')),
  )
  const flags = fc.array(text, { minLength: 1, maxLength: 2 })
  const make = (allowHost: string[]) =>
    void hold(() => policyFromFlags({ allowHost }, { ...options, cwd: '/', callerEnv: {} }))
  fc.assert(fc.property(flags, make), settings)
})
