/** Programs that know nothing of Glovebox trust the authority of their sandbox, by the system's bundle or by the usual variables. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { finished } from '../support/spawned.js'
import { asEachUser } from '../support/users.js'

const WORKER = fileURLToPath(new URL('inspected-worker.js', import.meta.url))
const JAVA = spawnSync('java', ['-version']).error === undefined

asEachUser('in a sandbox, unmodified clients are looked into, and verify what they see', async (user, t) => {
  const readable = await finished(user.as(['test', '-r', WORKER]))
  if (readable.status !== 0) return t.skip(`${user.name} can't read this checkout`)
  const flags = [...(user.noMemoryLimit === null ? [] : ['--waive']), ...(JAVA ? ['--java'] : [])]
  const { stdout, stderr } = await finished(user.as([process.execPath, WORKER, ...flags]), {
    cwd: '/',
    timeout: 180_000,
  })
  assert.equal(stderr, '')
  const [one, two] = [
    [0, 'hello 1.1', 'https good.test allow'],
    [0, 'hello 2.0', 'https good.test allow'],
  ]
  assert.deepEqual(JSON.parse(stdout), {
    curl: two,
    'curl by HTTP/1.1': one,
    'curl without variables': two,
    'curl with a method that the rule has not': [
      0,
      '405',
      'https good.test denyMethod',
      'tls good.test allow',
    ],
    'curl to a host that is not inspected, whose authority the job does not know': [
      60,
      '',
      'tls unread.test allow',
    ],
    openssl: [0, 'Verify return code: 0 (ok)', 'tls good.test allow'],
    python3: one,
    node: one,
    git: [0, `${'1'.repeat(40)}\trefs/heads/main`, 'https good.test allow', 'https good.test allow'],
    ...(JAVA ? { java: one, 'java without variables': one } : {}),
    files: [false, false, 'glovebox-ca-bundle.crt\nglovebox-ca.crt\nglovebox-ca.jks\n'],
  })
})
