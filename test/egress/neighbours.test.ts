/**
 * The attack: use what another sandbox has, speak to the gateway itself, or reach what listens on the host. A regression would show as
 * an answer that is not this sandbox's own.
 */
import assert from 'node:assert/strict'
import type { Probed } from './jobs.js'
import { stage } from './tools.js'

const beside = stage('neighbours-worker')

beside<{ address: string; ports: [number, number]; first: Probed; second: Probed }>(
  'another sandbox’s names, and the addresses that stand for them, lead nowhere',
  'rules',
  ({ address, ports: [one, two], first, second }) => {
    assert.equal(first.heard[`tcp,one.test,${one}`], 'ok one', 'control: the sandbox whose they are')
    assert.equal(second.heard[`tcp,two.test,${two}`], 'ok two')
    assert.equal(second.heard[`tcp,${address},${one}`], 'ECONNRESET')
    assert.equal(second.heard['name,one.test'], 'EAI_NONAME')
    assert.equal(second.heard[`tcp,one.test,${one}`], 'EAI_NONAME')
    assert.deepEqual(second.record, [
      '127.0.0.1 denyLoopback',
      `${address} denyUnknownName`,
      'one.test denyName',
      'two.test allow',
    ])
  },
)

beside<{ said: string[]; record: string[] }[]>(
  'what one has used up is not taken from the other',
  'budgets',
  (both) => {
    assert.equal(both.length, 2)
    for (const { said, record } of both) {
      const [first, second = ''] = said
      assert.equal(first, 'end after 60000')
      assert.match(second, /^reset after ([12]?\d{1,4}|30000)$/)
      assert.deepEqual(record, ['same.test allow', 'same.test denyBudget'])
    }
  },
)

beside<{ serving: Probed; others: Probed[] }>(
  'a server in one sandbox is not there in another',
  'servers',
  ({ serving, others }) => {
    assert.equal(serving.heard['tcp,127.0.0.1,8123'], 'ok served', 'control: its own loopback')
    for (const { heard } of others)
      for (const [attempt, result] of Object.entries(heard)) assert.match(result, /^ECONN/, attempt)
  },
)

beside<{ inside: Probed; outside: string[]; attempts: string[] }>(
  'the host’s loopback, its own addresses and its abstract sockets are closed under all their names',
  'host',
  ({ inside, outside, attempts }) => {
    assert.deepEqual(
      outside,
      attempts.map((attempt) => `${attempt}\tok\tthe host`),
      'control: whoever is on the host reaches them',
    )
    assert.ok(
      attempts.every((attempt) => attempt in inside.heard),
      inside.stderr,
    )
    for (const [attempt, result] of Object.entries(inside.heard)) assert.match(result, /^ECONN/, attempt)
    assert.ok(inside.record.includes('one.test denyLoopback'), `${inside.record}`)
    assert.ok(
      inside.record.every((line) => / deny[A-Z]/.test(line)),
      `${inside.record}`,
    )
  },
)

beside<{ looked: boolean; internet: string[]; named: string[] }>(
  'the gateway listens nowhere on the host, and its control channel has no name to connect to',
  'doors',
  ({ looked, internet, named }) => {
    assert.equal(looked, true)
    assert.deepEqual(internet, [])
    assert.deepEqual(named, [])
  },
)

beside<{ served: object; count: number[] }>(
  'with a gateway per tenant, each tenant’s sandboxes have a process of their own, and keep it',
  'tenants',
  ({ served, count: [one = 0, ...later] }) => {
    assert.deepEqual(served, { a: 'ok one', b: 'ok one' })
    assert.ok(one > 0)
    assert.deepEqual(later, [2 * one, 2 * one])
  },
)
