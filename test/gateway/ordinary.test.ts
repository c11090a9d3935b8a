import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { finished } from '../support/spawned.js'
import { asEachUser } from '../support/users.js'
import { NO_NAMESPACE } from './namespace.js'

const WORKER = fileURLToPath(new URL('ordinary-worker.js', import.meta.url))

asEachUser(
  'the gateway serves whoever starts it, with the same verdicts',
  async (user, t) => {
    const readable = await finished(user.as(['test', '-r', WORKER]))
    if (readable.status !== 0) return t.skip(`${user.name} can't read this checkout`)
    const { stdout, stderr } = await finished(user.as([process.execPath, WORKER]), { cwd: '/' })
    assert.equal(stderr, '')
    assert.deepEqual(JSON.parse(stdout), {
      value: ['reached', '', 'reset'],
      attempts: ['dns bad.test denyName', 'http good.test allow', 'tcp 169.254.169.254 denyMetadata'],
    })
  },
  () => NO_NAMESPACE || null,
)
