/**
 * Where TLS is looked into, a sandbox trusts an authority from its first moment. One that waits has its own, made with it: it must never be
 * another sandbox's, and is worth nothing when the gateway that made it is gone.
 */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { finished } from '../support/spawned.js'
import { asEachNetworkUser } from '../support/users.js'

const WORKER = fileURLToPath(new URL('warm-inspected-worker.js', import.meta.url))

asEachNetworkUser(
  'where TLS is looked into, a run takes a sandbox that waited, with the authority that is its own',
  async (user, t) => {
    const readable = await finished(user.as(['test', '-r', WORKER]))
    if (readable.status !== 0) return t.skip(`${user.name} can't read this checkout`)
    const flags = user.noMemoryLimit === null ? [] : ['--waive']
    const { stdout, stderr } = await finished(user.as([process.execPath, WORKER, ...flags]), {
      cwd: '/',
      timeout: 180_000,
    })
    assert.equal(stderr, '')
    assert.deepEqual(JSON.parse(stdout), {
      fetched: [0, '/a nothing', true],
      authorities: 3,
      one: true,
      lent: [0, `/b Bearer ${'*'.repeat(21)}`, true, [1]],
      gone: true,
      after: [0, '/c nothing'],
      again: [0, '/d nothing', true],
      left: 0,
      ofNobody: [0, '/e nothing', true],
      ofTenant: [0, '/f nothing', false],
    })
  },
)
