/** A runtime that never comes back: the start ends by itself, in one sentence, and nothing of it is left. */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { hostOf } from '../../src/sandbox/index.js'
import { marker, sleepers } from '../run/tools.js'
import { sharedFolder } from '../support/checkout.js'
import { TestEngine } from '../support/docker-engine.js'
import { finished } from '../support/spawned.js'
import { SUITE_IS_ROOT, USERS } from '../support/users.js'

const [root = assert.fail('nobody')] = USERS
const LATE = /^glovebox: No sandbox came up within 30 s\..*\n$/

/** A script in the place of a program. */
function script(name: string, text: string): string {
  const file = join(sharedFolder(), name)
  writeFileSync(file, `#!/bin/sh\n${text}\n`)
  chmodSync(file, 0o755)
  return file
}

for (const [boundary, program, version] of [
  ['runc', 'runc', 'runc version 1.3.9'],
  ['gvisor', 'runsc', 'runsc version release-20260101.0'],
] as const) {
  const path = [`/usr/bin/${program}`, `/usr/sbin/${program}`].find(existsSync)
  test(`a ${program} that hangs: one sentence, and no process of it`, {
    skip: !SUITE_IS_ROOT ? 'needs root' : path === undefined ? `${program} is not installed` : false,
  }, async () => {
    const mark = marker()
    const file = script(program, `[ "$1" = --version ] && { echo '${version}'; exit 0; }\nexec sleep ${mark}`)
    const argv = root.as(root.cli(['run', '--boundary', boundary, '--', 'true']))
    const covered = `mount --bind ${file} ${path} && exec "$@"`
    const { status, stderr } = await finished(
      ['unshare', '--mount', '/bin/sh', '-c', covered, 'sh', ...argv],
      { cwd: '/' },
    )
    // what runsc has of a conversation is there before it runs: so it is the job's time that ends, 30 s at most until it runs
    assert.equal(status, boundary === 'gvisor' ? 124 : 125)
    assert.match(stderr, boundary === 'gvisor' ? /^glovebox: [^\n]+\n$/ : LATE)
    assert.deepEqual(sleepers(mark), [])
  })
}

test('a runc that hangs under an engine: one sentence, and no container once it is gone', {
  skip: TestEngine.lack() ?? false,
}, async (t) => {
  const path = hostOf().runtimes().runc.path
  if (path === null) return t.skip('runc is not installed')
  const mark = marker()
  const folder = sharedFolder()
  const real = join(folder, 'runc')
  copyFileSync(path, real)
  chmodSync(real, 0o755)
  const hangs = script('runc', `case " $* " in *" create "*) exec sleep ${mark} ;; esac\nexec ${real} "$@"`)
  const engine = await TestEngine.start({ runc: hangs })
  if (typeof engine === 'string') return t.skip(engine)
  after(() => engine.end())
  const env = { ...process.env, DOCKER_HOST: `unix://${engine.socket}` }
  const argv = root.as(root.cli(['run', '--boundary', 'docker', '--', 'true']))
  const { status, stderr } = await finished(argv, { cwd: '/', env, timeout: 300_000 })
  assert.equal(status, 125, stderr)
  assert.match(stderr, LATE)
  // the engine waits for its runtime, whatever it is told: whoever is responsible for that ends it
  for (const pid of sleepers(mark)) process.kill(pid, 'SIGKILL')
  const client = await engine.client()
  for (let tries = 0; tries < 600 && (await client.containers([])).length > 0; tries++) await sleep(100)
  assert.deepEqual(await client.containers([]), [])
})
