/**
 * A start that fails: one sentence with what to do, 125, and a report. The attack on the promise: a broken part that lets
 * a job run with less than was promised.
 */
import assert from 'node:assert/strict'
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ROOT, testFolder } from '../support/checkout.js'
import { type Finished, finished } from '../support/spawned.js'
import { SUITE_IS_ROOT, USERS } from '../support/users.js'
import { assertSaid, HANG, reportIn } from './tools.js'

const [user] = USERS
const skip = user?.skip ?? false
const waiver = user?.noMemoryLimit === null ? [] : ['--waive', 'limits.memory']

/** What an installation consists of, to be broken. */
function installation(t: TestContext): string {
  const folder = testFolder(t, 0o755)
  for (const part of ['bin', 'dist/cli', 'dist/native', 'policies', 'package.json'])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true })
  return folder
}

function runIn(folder: string, flags: readonly string[] = []): Promise<Finished> {
  const argv = [
    process.execPath,
    join(folder, 'bin/glovebox'),
    'run',
    ...waiver,
    ...flags,
    '--',
    'echo',
    'it ran',
  ]
  return finished(argv, { cwd: '/', ...HANG })
}

function assertRefused(result: Finished, says: RegExp): void {
  assert.equal(result.stdout, '')
  assert.equal(result.status, 125, result.stderr)
  assertSaid(result, says)
}

test('the copy itself works', { skip }, async (t) => {
  assert.equal((await runIn(installation(t))).stdout, 'it ran\n')
})

test('the native programs are missing', { skip }, async (t) => {
  const folder = installation(t)
  rmSync(join(folder, 'dist/native'), { recursive: true })
  assertRefused(await runIn(folder), /are not built\. In a checkout, `npm run setup` builds them/)
})

/** A command in a mount namespace in which some other program stands where bubblewrap is. */
const withBwrap = (setup: string, argv: readonly string[]) =>
  finished(['unshare', '-m', 'sh', '-c', `${setup}\nexec "$@"`, 'sh', ...argv], { cwd: '/', ...HANG })

const needsRoot = skip || (!SUITE_IS_ROOT && 'putting another bubblewrap in its place needs root')
const call = (args: readonly string[]) => [process.execPath, join(ROOT, 'bin/glovebox'), ...args]

test('bubblewrap is too old: the sentence says which is needed', { skip: needsRoot }, async (t) => {
  const old = join(testFolder(t, 0o755), 'bwrap')
  writeFileSync(old, '#!/bin/sh\necho "bwrap: Unknown option --disable-userns" >&2\nexit 1\n')
  chmodSync(old, 0o755)
  const setup = `mount --bind ${old} /usr/bin/bwrap`
  assertRefused(
    await withBwrap(setup, call(['run', '--', 'echo', 'it ran'])),
    /bubblewrap could not start the sandbox: Unknown option --disable-userns\. bubblewrap 0\.8 or newer is needed/,
  )
  const doctor = await withBwrap(setup, call(['doctor']))
  assert.equal(doctor.status, 1)
  assert.match(doctor.stdout, /MISSING {2}boundary process/)
})

test('bubblewrap is not installed: refused before anything starts, with the command that gets it', {
  skip: needsRoot,
}, async (t) => {
  const folder = testFolder(t, 0o755)
  mkdirSync(join(folder, 'bin'))
  // a /usr/bin that holds nothing but what the test itself needs
  const setup = `mount --bind /usr/bin ${folder}/bin && mount -t tmpfs none /usr/bin && ${folder}/bin/ln -s ${folder}/bin/env /usr/bin/env`
  const node = process.execPath.startsWith('/usr/bin/')
    ? join(folder, 'bin', process.execPath.slice('/usr/bin/'.length))
    : process.execPath
  const calls = (args: readonly string[]) => [node, join(ROOT, 'bin/glovebox'), ...args]
  const report = join(folder, 'report.json')
  const result = await withBwrap(setup, calls(['run', '--report', report, '--', 'echo', 'it ran']))
  assertRefused(
    result,
    /can't run here: bubblewrap is not installed\. `apt-get install bubblewrap` installs it/,
  )
  assert.equal(reportIn(report).result.reason, 'rejected')
  const doctor = await withBwrap(setup, calls(['doctor']))
  assert.equal(doctor.status, 1)
  assert.match(doctor.stdout, /apt-get install bubblewrap/)
  const explain = await withBwrap(setup, calls(['explain']))
  assert.equal(explain.status, 1)
  assert.match(explain.stdout, /bubblewrap is not installed/)
})

test('a limit that cannot be held is refused, and the waiver is named', {
  skip: skip || (!SUITE_IS_ROOT && 'needs root, to become a user without control groups'),
}, async () => {
  const drop = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
  const readable = await finished([...drop, 'test', '-r', join(ROOT, 'bin/glovebox')], { cwd: '/' })
  if (readable.status !== 0) return
  const refused = await finished([...drop, ...call(['run', '--', 'echo', 'it ran'])], { cwd: '/', ...HANG })
  assertRefused(refused, /limits\.memory can't be enforced here: .*--waive limits\.memory/)
})
