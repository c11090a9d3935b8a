/** The hosts of a credential are looked into, and by that no rule lets anything more through, nor anything else unread. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkPlan, rulesFor } from '../../src/network/index.js'
import { parse } from '../policy/harness.js'

function plan(network: object, ...hosts: readonly { name: string; port: number }[]) {
  const made = networkPlan(parse({ version: 1, network }).network, hosts)
  assert.ok(made !== null)
  return made
}
const API = { name: 'api.x.com', port: 443 }

function at(network: Parameters<typeof rulesFor>[0], name: string, port = 443) {
  const found = rulesFor(network, { kind: 'name', name }, port)
  return found.verdict === 'allow' ? [found.inspect, ...found.rules.map((rule) => rule.name)] : found.verdict
}

test('of a wildcard and of public, only the host itself is looked into', () => {
  const made = plan({ allow: ['*.x.com'], public: {} }, API)
  assert.deepEqual(at(made, 'api.x.com'), [true, 'network.allow[0]'])
  assert.deepEqual(at(made, 'other.x.com'), [false, 'network.allow[0]', 'network.public'])
  assert.deepEqual(at(made, 'y.com'), [false, 'network.public'])
})

test('of a rule with more ports, only the one that the credential names', () => {
  const rule = { host: 'api.x.com', ports: [443, 8443], protocol: 'tls' }
  const made = plan({ allow: [rule] }, API)
  assert.deepEqual(at(made, 'api.x.com'), [true, 'network.allow[0]'])
  assert.deepEqual(at(made, 'api.x.com', 8443), [false, 'network.allow[0]'])
})

test('what a narrower rule holds, a wider one behind it does not give back', () => {
  const narrow = { host: 'api.x.com', inspect: true, methods: ['GET'] }
  assert.deepEqual(at(plan({ allow: [narrow], public: {} }, API), 'api.x.com'), [true, 'network.allow[0]'])
})

test('where nothing has a credential, rules are as they were written', () => {
  assert.deepEqual(plan({ allow: ['*.x.com'] }).rules.length, 1)
})
