/** What somebody hears when runc is not as it should be: another program lies over it, in a mount namespace of the test's own. */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { sharedFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { SUITE_IS_ROOT, USERS } from '../support/users.js'

const RUNC = ['/usr/bin/runc', '/usr/sbin/runc'].find(existsSync)
const [root = assert.fail('nobody')] = USERS

/** A runc that says this version, and then does this. */
function planted(version: string, does: string, owner = 0): string {
  const file = join(sharedFolder(), 'runc')
  const text = `#!/bin/sh\n[ "$1" = --version ] && { echo 'runc version ${version}'; echo 'libseccomp: 2.5.4'; exit 0; }\n${does}\n`
  writeFileSync(file, text)
  chmodSync(file, 0o755)
  chownSync(file, owner, owner)
  return file
}

function run(runc: string, ...more: string[]) {
  const argv = root.as(root.cli(['run', '--boundary', 'runc', '--deadline', '20s', ...more, '--', 'true']))
  const covered = `mount --bind ${runc} ${RUNC} && exec "$@"`
  return finished(['unshare', '--mount', '/bin/sh', '-c', covered, 'sh', ...argv], { cwd: '/' })
}

describe('a runc that is not as it should be', {
  skip: !SUITE_IS_ROOT ? 'needs root' : RUNC === undefined ? 'runc is not installed' : false,
}, () => {
  test('what it complains of is told in one sentence', async () => {
    const broken = planted(
      '1.3.9',
      `echo 'time="t" level=error msg="runc run failed: no room left"' >&2; exit 1`,
    )
    const { status, stderr } = await run(broken)
    assert.equal(status, 125)
    assert.match(stderr, /^glovebox: runc could not start the sandbox: no room left\. .*\n$/)
  })

  test('one that says nothing and starts nothing', async () => {
    const { status, stderr } = await run(planted('1.3.9', 'exit 0'))
    assert.equal(status, 125)
    assert.match(stderr, /^glovebox: runc ended before its container ran, and did not say why\. .*\n$/)
    assert.equal((await run(planted('1.3.9', 'kill -9 $$'))).status, 125)
  })

  test('one that does not say which version it is, and so not whether it has a known escape', async () => {
    const { status, stderr } = await run(planted('of my own', 'exit 1'))
    assert.equal(status, 125)
    assert.match(stderr, /does not say which version it is\. .*installs one that does/)
  })

  test('one that others than root may write to is not started, not even for its version', async () => {
    const marker = join(sharedFolder(), 'started')
    const theirs = planted('1.3.9', 'exit 1', 65534)
    writeFileSync(theirs, `#!/bin/sh\ntouch ${marker}\n`)
    const { status, stderr } = await run(theirs)
    assert.equal(status, 125)
    assert.match(stderr, /runc is not used: .* belongs to uid 65534, not to root/)
    assert.equal(existsSync(marker), false)
    const control = await finished(['/bin/sh', theirs])
    assert.equal(control.status, 0)
    assert.equal(existsSync(marker), true)
  })
})
