/** The attacks: a job that fills its report, so that what it really did is not in it; names and paths that a person must not be shown. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { type Attempt, AttemptLog, hint, type Tried, VERDICTS } from '../../src/network/index.js'
import { canonicalHostName, parsePolicy } from '../../src/policy/index.js'

function attempt(more: Partial<Attempt> = {}): Attempt {
  return {
    at: '2026-01-01T00:00:00.000Z',
    protocol: 'tls',
    name: 'api.test',
    address: '93.184.216.34',
    port: 443,
    verdict: 'allow',
    rule: 'network.allow[0]',
    sentBytes: 10,
    receivedBytes: 20,
    ...more,
  }
}

const refused = (more: Partial<Attempt>): Attempt =>
  attempt({ address: null, rule: null, sentBytes: 0, receivedBytes: 0, ...more })

describe('the record of attempts', () => {
  test('counts what was tried the same way again, adds its bytes up, and keeps when it was first', () => {
    const log = new AttemptLog()
    log.add(attempt())
    log.add(attempt({ at: '2026-01-01T00:00:09.000Z', sentBytes: 1, receivedBytes: 2 }))
    assert.deepEqual(log.attempts, [{ ...attempt(), sentBytes: 11, receivedBytes: 22, count: 2 }])
  })

  test('keeps apart what differs in anything that was decided on', () => {
    const log = new AttemptLog()
    const different: Partial<Attempt>[] = [
      {},
      { protocol: 'http' },
      { name: 'b.test' },
      { name: null },
      { address: null },
      { port: 80 },
      { port: null },
      { verdict: 'denyName' },
      { rule: null },
      { method: 'GET' },
      { path: '/a' },
      { problem: 'ECONNREFUSED' },
    ]
    for (const more of different) log.add(attempt(more))
    assert.deepEqual(
      log.attempts.map(({ count }) => count),
      different.map(() => 1),
    )
  })

  test('is bounded, says how many are not in it, and still counts those that are', () => {
    const log = new AttemptLog()
    for (let index = 0; index < 5000; index++)
      log.add(refused({ name: `n${index}.test`, verdict: index % 3 ? 'denyName' : 'denyPort' }))
    assert.equal(log.attempts.length, 300)
    assert.equal(log.omitted, 4700)
    log.add(refused({ name: 'n1.test', verdict: 'denyName' }))
    assert.equal(log.omitted, 4700)
    assert.equal(log.attempts.find(({ name }) => name === 'n1.test')?.count, 2)
  })

  test('a flood of refusals, of every verdict there is, does not push out what was let through', () => {
    const log = new AttemptLog()
    const verdicts = VERDICTS.filter((verdict) => verdict !== 'allow')
    for (let index = 0; index < 50_000; index++)
      log.add(refused({ name: `n${index}.test`, verdict: verdicts[index % verdicts.length] ?? 'denyName' }))
    log.add(attempt())
    assert.deepEqual(log.attempts.at(-1), { ...attempt(), count: 1 })
  })

  test('what sent and was ended by a limit counts as let through', () => {
    const log = new AttemptLog()
    for (let index = 0; index < 5000; index++)
      log.add(refused({ name: `n${index}.test`, verdict: 'denyTimeout' }))
    log.add(attempt({ verdict: 'denyTimeout', sentBytes: 9 }))
    assert.equal(log.attempts.at(-1)?.sentBytes, 9)
  })

  test('a flood of what is allowed hides neither that another rule let something through, nor a byte', () => {
    const log = new AttemptLog()
    for (let index = 0; index < 5000; index++) log.add(attempt({ path: `/${index}`, protocol: 'http' }))
    log.add(attempt({ rule: 'network.allow[1]', sentBytes: 7 }))
    assert.equal(log.attempts.find(({ rule }) => rule === 'network.allow[1]')?.sentBytes, 7)
    assert.equal(
      log.attempts.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
      5000 * 10 + 7,
    )
    assert.equal(log.omitted, 0)
  })

  test('a gateway that was taken over can name no rules without end', () => {
    const log = new AttemptLog()
    for (let index = 0; index < 5000; index++) log.add(attempt({ rule: `rule ${index}` }))
    assert.ok(log.attempts.length <= 1000)
    assert.ok(log.omitted > 0)
  })

  test('cuts what is longer than anybody reads', () => {
    const log = new AttemptLog()
    log.add(attempt({ name: 'a'.repeat(9000), path: `/${'b'.repeat(90_000)}`, method: 'C'.repeat(9000) }))
    assert.ok(JSON.stringify(log.attempts).length < 4000)
  })
})

describe('hints', () => {
  const tried = (more: Partial<Tried>): Tried => ({
    protocol: 'tcp',
    name: 'api.test',
    address: null,
    port: 443,
    rule: null,
    verdict: 'denyName',
    ...more,
  })

  for (const [more, expected] of [
    [{}, 'write `- api.test` under network.allow'],
    [{ port: 8443 }, 'write `- {host: api.test, ports: [8443]}` under network.allow'],
    [{ protocol: 'dns', port: null }, 'write `- api.test` under network.allow'],
    [{ verdict: 'denyPort', port: 80 }, 'write `- {host: api.test, ports: [80]}` under network.allow'],
    [
      { verdict: 'denyLiteral', name: null, address: '2606:4700::1111' },
      'write `- "[2606:4700::1111]"` under network.allow',
    ],
    [
      { verdict: 'denyPrivate', address: '10.2.3.4', rule: 'network.allow[1]' },
      'write `private: [10.2.3.4/32]` in network.allow[1], if the host may be there',
    ],
    [
      { verdict: 'denyMethod', method: 'POST', rule: 'network.allow[0]' },
      'add "POST" to `methods` of network.allow[0]',
    ],
    [{ verdict: 'denyUpgrade', rule: 'network.allow[0]' }, 'write `upgrade: true` in network.allow[0]'],
  ] as const)
    test(expected, () => assert.equal(hint(tried(more)), expected))

  test('there is none for what nothing opens', () => {
    for (const verdict of [
      'allow',
      'denyMetadata',
      'denyMulticast',
      'denyReserved',
      'denyEmbedded',
      'denyConnect',
      'denyRequest',
      'denyHost',
      'denyServerName',
      'denyDatagram',
    ] as const)
      assert.equal(hint(tried({ verdict, address: '169.254.169.254' })), null, verdict)
  })

  test("a name that is none is put in no line that somebody could paste: it is the job's own words", () => {
    for (const name of ['a\nroot: host', 'a: b', '- x', '{}', 'a\\032b', '"', '`rm`', 'a'.repeat(300), ''])
      assert.equal(hint(tried({ name })), null, name)
  })

  test('each line that says what to write is one that a policy takes, for the very host and port', () => {
    for (const [host, port] of [
      ['api.test', 443],
      ['api.test', 8443],
      ['93.184.216.34', 22],
      ['2606:4700::1111', 443],
      ['2606:4700::1111', 22],
    ] as const)
      for (const verdict of ['denyName', 'denyPrivate'] as const) {
        const address = host === 'api.test' ? '10.2.3.4' : host
        const told = hint(tried({ name: host === 'api.test' ? host : null, address, port, verdict })) ?? ''
        const [, line = ''] = /`(.*)`/.exec(told) ?? []
        const { network } = parsePolicy({ version: 1, network: { allow: parse(line) } })
        const [rule, ...more] = network?.allow ?? []
        assert.equal(more.length, 0)
        assert.deepEqual(rule?.host, canonicalHostName(host))
        assert.deepEqual(
          rule?.ports.map((each) => each.port),
          [port],
        )
        assert.equal(rule?.private.length, verdict === 'denyName' ? 0 : 1)
      }
  })
})
