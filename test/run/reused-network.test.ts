/** Several jobs in one sandbox, with a network that is looked into and a credential: each has its own lease, and nothing of the last. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { finished } from '../support/spawned.js'
import { asEachNetworkUser } from '../support/users.js'

const WORKER = fileURLToPath(new URL('reused-worker.js', import.meta.url))
const GIVEN = `Bearer ${'*'.repeat(21)}`
const ONE = ['1 0 sandbox']

asEachNetworkUser(
  'each command in a sandbox that is used again has a lease, a placeholder and connections of its own',
  async (user, t) => {
    const readable = await finished(user.as(['test', '-r', WORKER]))
    if (readable.status !== 0) return t.skip(`${user.name} can't read this checkout`)
    const flags = user.noMemoryLimit === null ? [] : ['--waive']
    const { stdout, stderr } = await finished(user.as([process.execPath, WORKER, ...flags]), {
      cwd: '/',
      timeout: 180_000,
    })
    assert.equal(stderr, '')
    const said = JSON.parse(stdout)
    assert.deepEqual(said.session, [
      [`/a ${GIVEN}\n1`, 1, 100, ONE],
      [`/b ${GIVEN}\n2`, 2, 100, ONE],
    ])
    assert.equal(said.hanging, 'over')
    assert.deepEqual(said.next, [`/c ${GIVEN}\n3`, ONE])
    assert.equal(said.authorities, 1, 'a sandbox has one for its life')
    const alone = `/d ${GIVEN} 1`
    assert.deepEqual(said.reusing, [
      ['acme', alone, 1, 3, ONE],
      ['acme', alone, 2, 3, ONE],
      ['other', alone, 1, 3, ONE],
      [null, alone, 1, 1, ONE],
      [null, alone, 1, 1, ONE],
      ['acme', alone, 3, 3, ONE],
      ['acme', alone, 1, 3, ONE],
    ])
    assert.deepEqual(said.after, [alone, 1, 3])
  },
)
