/** A ceiling over networks: what it doesn't write of hosts, ports, blocks and public hosts, no policy has. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parsePolicy, policyFromFlags } from '../../src/policy/index.js'
import { folder, refusal } from './harness.js'

const owner = process.getuid?.() ?? -1

/** Under this `network` of a ceiling: what a policy's `network` is refused for, `null` when it is accepted. */
function under(t: TestContext, lines: string) {
  const path = join(folder(t, { 'ceiling.yaml': `version: 1\n${lines}` }), 'ceiling.yaml')
  const ceiling = { path, owner }
  const fits = (network: object) => void parsePolicy({ version: 1, network }, { source: 'p', ceiling })
  const above = (network: object) => {
    const error = refusal(() => fits(network))
    assert.equal(error.code, 'policy.aboveCeiling')
    return error.message.replaceAll(path, 'CEILING')
  }
  return { ceiling, fits, above }
}

test('without the section no policy has a network, by a flag neither', (t) => {
  const { above, ceiling } = under(t, '')
  const refused = 'network: a network is above the ceiling, which has none (CEILING:1). Remove the section.'
  assert.equal(above({}), `p: ${refused}`)
  const flag = () => policyFromFlags({ allowHost: ['a.test'] }, { cwd: '/', callerEnv: {}, ceiling })
  assert.equal(refusal(flag).message.replace(ceiling.path, 'CEILING'), `--allow-host: ${refused}`)
  parsePolicy({ version: 1 }, { ceiling })
})

test('a host must be one of the ceiling, or below one of its wildcards', (t) => {
  const { fits, above } = under(t, 'network: {allow: [a.test, "*.b.test", {host: 203.0.113.7}]}')
  fits({})
  fits({ allow: ['A.test.', 'x.b.test', '*.y.b.test', '*.b.test', '203.0.113.7'] })
  const refused = (host: string) =>
    `p: network.allow[0]: "${host}" is above the ceiling, which lets jobs reach a.test, *.b.test, 203.0.113.7 (CEILING:2). Remove the rule.`
  for (const host of ['c.test', '*.a.test', 'b.test', 'x.a.test', 'xb.test', '203.0.113.8'])
    assert.equal(above({ allow: [host] }), refused(host))
})

test('a port and what is spoken on it must be the ceiling’s', (t) => {
  const { fits, above } = under(
    t,
    'network: {allow: [a.test, {host: a.test, ports: [8080], protocol: http}]}',
  )
  fits({ allow: ['a.test', { host: 'a.test', ports: [8080], protocol: 'http' }] })
  fits({ allow: [{ host: 'a.test', ports: [443] }] })
  assert.match(
    above({ allow: ['a.test:80'] }),
    /http on port 80 of "a\.test" is above the ceiling \(CEILING:2\)/,
  )
  assert.match(above({ allow: [{ host: 'a.test', ports: [443, 444] }] }), /tcp on port 444 of "a\.test"/)
  assert.match(above({ allow: [{ host: 'a.test', protocol: 'tcp' }] }), /tcp on port 443 of "a\.test"/)
  assert.match(above({ allow: ['a.test:8080'] }), /tcp on port 8080/)
})

test('methods, paths and upgrades of clear HTTP must be the ceiling’s', (t) => {
  const { fits, above } = under(
    t,
    'network: {allow: [{host: a.test, ports: [80], methods: [GET, HEAD], paths: ["/x/**", /y]}]}',
  )
  const http = { host: 'a.test', ports: [80] }
  fits({ allow: [{ ...http, methods: ['GET'], paths: ['/y'] }] })
  assert.match(above({ allow: [http] }), /methods of "a\.test" is above.*Write methods of GET, HEAD\.$/)
  assert.match(above({ allow: [{ ...http, methods: ['POST'], paths: ['/y'] }] }), /methods of/)
  assert.match(
    above({ allow: [{ ...http, methods: ['GET'] }] }),
    /paths of .*Write paths of \/x\/\*\*, \/y\.$/,
  )
  assert.match(above({ allow: [{ ...http, methods: ['GET'], paths: ['/y'], upgrade: true }] }), /upgrade of/)
})

test('where the ceiling has TLS looked into, so has a policy, with its methods and paths', (t) => {
  const { fits, above } = under(
    t,
    'network: {allow: [{host: a.test, inspect: true, methods: [GET]}, b.test]}',
  )
  fits({ allow: [{ host: 'a.test', inspect: true, methods: ['GET'] }] })
  assert.match(above({ allow: ['a.test'] }), /TLS that passes unread of "a\.test" is above the ceiling/)
  assert.match(
    above({ allow: [{ host: 'a.test', inspect: true }] }),
    /methods of "a\.test" is above the ceiling/,
  )
  // what a ceiling lets pass unread, it lets pass read
  fits({ allow: [{ host: 'b.test', inspect: true, methods: ['POST'], upgrade: true }] })
  const open = under(t, 'network: {public: {inspect: true, methods: [GET]}}')
  open.fits({ public: { inspect: true, methods: ['GET'] } })
  assert.match(open.above({ public: { methods: ['GET'] } }), /TLS that passes unread is above the ceiling/)
  assert.match(
    open.above({ public: { inspect: true, ports: [443] } }),
    /what methods allows is above the ceiling/,
  )
  assert.match(open.above({ allow: ['x.test'] }), /TLS that passes unread of "x\.test" is above the ceiling/)
})

test('a private block must lie in one of the ceiling’s rule', (t) => {
  const { fits, above } = under(
    t,
    'network: {allow: [{host: "*.corp.test", private: [10.2.0.0/16]}], public: {}}',
  )
  fits({ allow: [{ host: 'db.corp.test', private: ['10.2.3.0/24', '10.2.9.9'] }] })
  const block = (host: string, ...blocks: string[]) => above({ allow: [{ host, private: blocks }] })
  assert.match(
    block('db.corp.test', '10.2.3.4', '10.0.0.0/8'),
    /private block 10\.0\.0\.0\/8 of "db\.corp\.test"/,
  )
  assert.match(block('db.corp.test', '127.0.0.1'), /private block 127\.0\.0\.1\/32/)
  assert.match(block('other.test', '10.2.3.4'), /private block 10\.2\.3\.4\/32 of "other\.test"/)
})

test('public hosts of the ceiling let a policy name any of them, on the same ports', (t) => {
  const { fits, above } = under(t, 'network: {public: {methods: [GET], ports: [80, 443, 8443]}}')
  fits({
    public: { ports: [443] },
    allow: ['a.test', '*.b.test', { host: 'c.test', ports: [80], methods: ['GET'] }],
  })
  fits({ allow: [{ host: 'a.test', ports: [8443], protocol: 'tls' }] })
  assert.match(above({ public: {} }), /network\.public: what methods allows is above the ceiling/)
  assert.match(
    above({ public: { ports: [22], methods: ['GET'] } }),
    /port 22 is above .*Write ports of 80, 443, 8443\.$/,
  )
  assert.match(above({ public: { ports: [80], methods: ['POST'] } }), /Write methods of GET\.$/)
  assert.match(above({ allow: ['a.test:8443'] }), /tcp on port 8443 of "a\.test"/)
  assert.match(above({ allow: ['a.test:80'] }), /methods of "a\.test"/)
})

test('public hosts and the loopback are above a ceiling that does not write them', (t) => {
  const { fits, above } = under(t, 'network: {allow: [a.test]}')
  fits({ loopback: false })
  assert.match(
    above({ public: {} }),
    /any public host is above the ceiling, which has no public \(CEILING:2\)/,
  )
  assert.match(above({ loopback: true }), /network\.loopback: true is above the ceiling of false/)
})

test('a bound of a rule binds what the policy leaves to the whole sandbox, too', (t) => {
  const { fits, above } = under(
    t,
    'network: {allow: [{host: a.test, maxUpload: 64KiB, maxRate: 5}], public: {maxUpload: 1KiB}}',
  )
  fits({ allow: [{ host: 'a.test', maxUpload: '64KiB', maxRate: 5 }] })
  fits({ maxUpload: '64KiB', maxRate: 5, allow: ['a.test'] })
  assert.match(
    above({ allow: ['a.test'] }),
    /maxUpload 64MiB of "a\.test" is above .*Write maxUpload: 64KiB or less\.$/,
  )
  assert.match(
    above({ public: {} }),
    /network\.public: maxUpload 64MiB is above .*Write maxUpload: 1KiB or less\.$/,
  )
})

test('numbers of the whole section bind where the ceiling writes them, defaults included', (t) => {
  const { fits, above } = under(t, 'network:\n  allow: [a.test]\n  maxUpload: 1MiB\n  timeouts: {idle: 30s}')
  fits({
    maxUpload: '1MiB',
    maxDownload: '1024GiB',
    maxConnections: 4096,
    timeouts: { idle: '1s', head: '5m' },
  })
  assert.equal(
    above({}),
    [
      'p: network.maxUpload: the default, 64MiB, is above the ceiling of 1MiB (CEILING:4). Write 1MiB or less.',
      'p: network.timeouts.idle: the default, 1m, is above the ceiling of 30s (CEILING:5). Write 30s or less.',
    ].join('\n'),
  )
})
