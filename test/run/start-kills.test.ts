import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { finished } from '../support/spawned.js'
import { asEachUser } from '../support/users.js'
import { HANG } from './tools.js'

const WORKER = fileURLToPath(new URL('start-kills-worker.js', import.meta.url))

/**
 * bubblewrap's child waits on an eventfd for its parent to map its ids. A parent killed before that leaves a child that waits
 * for ever, holds the job's pipes, and had nobody to miss it: the run hung, and the process outlived everything.
 */
asEachUser(
  'bubblewrap killed, or the run cancelled, at any moment of the start leaves no process and ends the run',
  async (user, t) => {
    const readable = await finished(user.as(['test', '-r', WORKER]), { cwd: '/' })
    if (readable.status !== 0) return t.skip('the checkout is not readable for this user')
    const { stdout, stderr, status } = await finished(user.as([process.execPath, WORKER]), {
      cwd: '/',
      ...HANG,
    })
    assert.equal(stderr, '')
    assert.equal(status, 0, 'it hung, or broke')
    const { reasons, commands } = JSON.parse(stdout)
    assert.deepEqual(commands, ['cell', 'cell'], 'more is left than the launcher and its prepared worker')
    assert.ok(
      reasons.includes('cancelled') && reasons.some((reason: string) => /failed|not started/.test(reason)),
    )
    for (const reason of reasons) assert.match(reason, /^(cancelled|failed|not started)$/)
  },
)
