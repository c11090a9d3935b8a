import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { finished } from '../support/spawned.js'
import { asEachUser } from '../support/users.js'

const WORKER = fileURLToPath(new URL('sandboxed-worker.js', import.meta.url))

asEachUser(
  'in a sandbox, curl reaches the host that the rule names, and nothing else, by any address or port',
  async (user, t) => {
    const readable = await finished(user.as(['test', '-r', WORKER]))
    if (readable.status !== 0) return t.skip(`${user.name} can't read this checkout`)
    const waive = user.noMemoryLimit === null ? [] : ['--waive']
    const { stdout, stderr } = await finished(user.as([process.execPath, WORKER, ...waive]), { cwd: '/' })
    assert.equal(stderr, '')
    assert.deepEqual(JSON.parse(stdout), {
      stdout: 'reached\n',
      stderr: '',
      attempts: [
        'dns bad.test denyName',
        'http good.test allow',
        'tcp 10.0.0.1 denyPrivate',
        'tcp 127.0.0.1 denyLoopback',
        'tcp 169.254.169.254 denyMetadata',
        'tcp 2001:db8::1 denyReserved',
      ],
    })
  },
)
