import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { TESTED_BOUNDARY } from '../support/boundary.js'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachUser } from '../support/users.js'

const WORKER = fileURLToPath(new URL('leftovers-worker.js', import.meta.url))

const PROMISE = 'leave no process, mount, cgroup, namespace, descriptor or file'
for (const [name, way] of [
  ['200 runs, 16 at a time, with every ending,', 'cold'],
  ['200 runs in sandboxes that waited for them, and those that still wait,', 'warm'],
] as const)
  asEachUser(`${name} ${PROMISE}`, async (user, t) => {
    const readable = await finished(user.as(['test', '-r', WORKER]), { cwd: '/' })
    if (readable.status !== 0) return t.skip('the checkout is not readable for this user')
    const folder = testFolder(t, 0o777)
    const options = {
      cwd: '/',
      env: { ...process.env, TMPDIR: folder },
      timeout: 120_000,
      killSignal: 'SIGKILL',
    } as const
    const { stdout, stderr, status } = await finished(
      user.as([process.execPath, WORKER, folder, way]),
      options,
    )
    assert.equal(stderr, '')
    assert.equal(status, 0)
    const { namespacesSeen, beforeClose, warm, ...left } = JSON.parse(stdout)
    assert.equal(warm > 0, way === 'warm', `${warm} had waited`)
    // a launcher and its prepared worker; on another boundary, those of the process boundary too
    const launchers = TESTED_BOUNDARY === 'process' ? 1 : 2
    assert.ok(
      way === 'warm' || (beforeClose.processes <= 2 * launchers && beforeClose.cgroups <= launchers),
      JSON.stringify(beforeClose),
    )
    assert.ok(namespacesSeen > 0, 'the look at namespaces saw none, so that none is left says nothing')
    assert.deepEqual(left, {
      started: 200,
      wrong: [],
      processes: [],
      cgroups: [],
      namespaces: [],
      descriptors: [],
      mounts: 'the same',
      files: [],
    })
  })
