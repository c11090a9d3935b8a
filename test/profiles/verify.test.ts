/**
 * `glovebox verify` of each built-in profile: whatever a profile opens, what it still promises holds when it is attacked. Two are
 * attacked with all there is, one without a network and one with; the others where a profile is not like those two.
 * `npm run test:long -- verify` attacks each with everything, twenty times.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../support/checkout.js'
import { USERS } from '../support/users.js'
import { verified } from './verified.js'

const ALL: readonly string[] = []
const only = (...words: string[]) => words.flatMap((word) => ['--only', word])

/** What sockets of a job's own could open a way to. */
const SOCKETS = only('isolation', 'syscalls', 'identity.no-user-namespaces')
const COMPUTE = only('syscalls', 'limits.memory', 'limits.processes')
const NETWORK = only('network', 'limits.cpus')

/** By profile: what of it is attacked here, and a probe that must have been among it. */
const TRIED: Readonly<Record<string, readonly [flags: readonly string[], probe: string]>> = {
  imagemagick: [ALL, 'files.canary'],
  ffmpeg: [COMPUTE, 'no-exec.execve'],
  ghostscript: [COMPUTE, 'no-exec.execve'],
  libreoffice: [SOCKETS, 'ipc.abstract'],
  chromium: [SOCKETS, 'ipc.abstract'],
  git: [NETWORK, 'gateway.address'],
  python: [COMPUTE, 'no-exec.execve'],
  node: [COMPUTE, 'no-exec.execve'],
  'pip-install': [NETWORK, 'gateway.allowed'],
  'npm-install': [NETWORK, 'gateway.allowed'],
  'link-preview': [ALL, 'gateway.allowed'],
}

const PROFILES = readdirSync(join(ROOT, 'policies')).map((name) => name.replace(/\.yaml$/, ''))

test('each built-in profile is attacked here', () => {
  assert.deepEqual(Object.keys(TRIED).sort(), [...PROFILES].sort())
})

test('each built-in profile has a file of tests, with its real job and a hostile one', () => {
  const files = readdirSync(import.meta.dirname)
  assert.deepEqual(
    PROFILES.filter((name) => !files.includes(`${name}.test.js`)),
    [],
  )
})

for (const [profile, [flags, probe]] of Object.entries(TRIED))
  for (const user of USERS.slice(0, 2))
    test(`verify passes for ${profile} (started by ${user.name})`, { skip: user.skip ?? false }, async () => {
      const { wrong, held } = await verified(user, profile, flags)
      assert.deepEqual(wrong, [])
      assert.ok(held.includes(probe), `${probe} is not among ${held.join(' ')}`)
    })
