/**
 * A waiting sandbox is found by its plan as JSON. Should a part of a plan not be in its JSON (a Set, a Map, a number that is none), two plans that differ
 * in it would be one, and a job could get another's sandbox.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadPolicy, type Policy, parsePolicy } from '../../src/index.js'
import { explainPlan } from '../../src/sandbox/index.js'
import { ROOT } from '../support/checkout.js'
import { USERS } from '../support/users.js'

const waive = USERS[0]?.noMemoryLimit === null ? [] : ['limits.memory']
const RICH = {
  version: 1,
  waive,
  env: { A: 'b' },
  workdir: '/w',
  files: { read: ['/etc/hostname:/h'], write: ['/srv:/out'] },
  network: {
    allow: [
      'a.test',
      { host: 'b.test', ports: [443], methods: ['GET'], paths: ['/x/**'], inspect: true, maxUpload: '1KiB' },
      { host: 'c.test', ports: [5432], private: ['10.2.0.0/16', 'fd00::/8'] },
    ],
    public: { ports: [80, 443], methods: ['GET'], maxDownload: '1MiB' },
    loopback: true,
  },
  credentials: { TOKEN: { source: 'caller', hosts: ['b.test'], use: 'bearer', ttl: '60s', uses: 3 } },
  lifetime: { deadline: '5s', noOutput: '1s' },
  syscalls: { profile: 'default', deny: ['flock'], allow: ['inotify_init1'] },
}

const profiles = readdirSync(join(ROOT, 'policies'))
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.slice(0, -'.yaml'.length))
const all: [string, () => Policy][] = [
  ...profiles.map((name): [string, () => Policy] => [name, () => loadPolicy(name)]),
  ['one with some of everything', () => parsePolicy(RICH)],
]

for (const [name, policy] of all)
  test(`all of a plan is in its JSON: ${name}`, () => {
    const { plan } = explainPlan(policy())
    assert.deepStrictEqual(JSON.parse(JSON.stringify(plan)), plan)
  })

test('there are profiles', () => assert.ok(profiles.length > 8))
