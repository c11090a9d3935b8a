/**
 * The promise of `glovebox verify`: under any policy, whoever runs it, each way out that a probe tries is shut, and the same
 * attempt in the open succeeds. A regression shows as a probe that is broken; a probe that rots as one whose control failed.
 */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { REQUIREMENT_IDS } from '../../src/plan/index.js'
import { PROBES, THREATS, type ThreatId, UNPROBED } from '../../src/proof/probes/index.js'
import type { Verification } from '../../src/proof/verify/index.js'
import { testFolder } from '../support/checkout.js'
import { asEachNetworkUser, glovebox } from '../support/users.js'

const POLICIES: Readonly<Record<string, string>> = {
  'of the default policy': '',
  'of the compute profile': 'syscalls: {profile: compute}\n',
  'with grants': 'files: {read: [{path: shown}], write: [{path: live, inside: /live, live: true}]}\n',
  'with a lock': 'syscalls: {lock: sealed}\n',
  'with a network': 'network: {loopback: true}\n',
  'of one process, half a second and four lines': [
    'limits: {processes: 1, output: 4KiB, scratch: 1MiB, openFiles: 16}',
    'lifetime: {deadline: 500ms}',
    '',
  ].join('\n'),
  'that denies what it can, and allows what it may':
    'syscalls: {deny: [clone3, memfd_create, shmget, personality], allow: [userfaultfd, inotify_init1, inotify_add_watch]}\n',
}

/** Probes of others have tests of their own. */
const OURS = /^(identity|isolation|files|syscalls)\./
const VERIFY = [
  'verify',
  '--json',
  ...['identity', 'isolation', 'files', 'syscalls'].flatMap((each) => ['--only', each]),
]
const NOT_OURS = new Set(['files.scratch-bounded', 'files.write-collected'])

for (const [name, text] of Object.entries(POLICIES))
  asEachNetworkUser(`nothing gets out of a sandbox ${name}`, async (user, t) => {
    const folder = testFolder(t, 0o755)
    mkdirSync(join(folder, 'shown'))
    mkdirSync(join(folder, 'live'))
    chmodSync(join(folder, 'live'), 0o777)
    const policy = join(folder, 'policy.yaml')
    writeFileSync(policy, `version: 1\n${text}`)
    const decoys = join(folder, 'decoys')
    mkdirSync(decoys)
    chmodSync(decoys, 0o777)
    const env = { ...process.env, TMPDIR: decoys }
    const { stdout, stderr, status } = await glovebox(user, [...VERIFY, '--policy', policy], { env })
    assert.ok(status === 0 || status === 1, stderr)
    const results = (JSON.parse(stdout) as Verification).probes.filter(({ claim }) => !NOT_OURS.has(claim))
    const bad = results.filter((each) => each.status === 'broken' || each.status === 'controlFailed')
    assert.deepEqual(
      bad.map(({ id, status: said, why }) => `${id} ${said}: ${why.join('; ').slice(0, 300)}`),
      [],
    )
    assert.deepEqual(readdirSync(decoys), [], 'and nothing of the decoys is left')
    assert.ok(results.filter(({ status: said }) => said === 'holds').length >= 90, `${results.length}`)
  })

describe('the list of probes', () => {
  test('has each name once, and each claim from inside a probe or a reason', () => {
    assert.equal(new Set(PROBES.map(({ id }) => id)).size, PROBES.length)
    const probed = new Set(PROBES.map(({ claim }) => claim))
    const ours = REQUIREMENT_IDS.filter((id) => OURS.test(id) && !NOT_OURS.has(id))
    assert.deepEqual(
      ours.filter((id) => !probed.has(id) && UNPROBED[id] === undefined),
      [],
    )
  })

  test('tries each threat of an escape that can be tried from inside', () => {
    const tried = new Set(PROBES.map(({ threat }) => threat))
    const left = (Object.keys(THREATS) as ThreatId[]).filter(
      (id) => THREATS[id].family === 'escape' && !tried.has(id),
    )
    // what comes out as an output is for the collection, and its probes
    assert.deepEqual(left, left.includes('outputs') ? ['outputs'] : [])
  })
})
