/**
 * The disk where an engine keeps images is full when the sandbox's root is sent to it. How a regression would show: half an image, which the next
 * start takes for the root; a container that stays; or a reason that names neither disk nor engine.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sharedFolder } from '../../support/checkout.js'
import { TestEngine } from '../../support/docker-engine.js'
import { glovebox, USERS } from '../../support/users.js'

const [root = assert.fail('nobody')] = USERS
/** Less than the root takes. */
const ROOM = 300 * 1024

test('a full disk of the engine’s: one sentence, nothing left, and with room the next start works', {
  skip: TestEngine.lack() ?? false,
}, async (t) => {
  const folder = sharedFolder()
  const data = join(folder, 'data')
  mkdirSync(data)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'glovebox-test', data])
  const engine = new TestEngine(folder)
  t.after(() => engine.end())
  if (!(await engine.up())) return t.skip(`dockerd does not start on a tmpfs: ${engine.lastWords()}`)
  const env = { ...process.env, DOCKER_HOST: `unix://${engine.socket}` }
  const run = () => glovebox(root, ['run', '--boundary', 'docker', '--', 'echo', 'ran'], { env })

  const { bavail, bsize } = statfsSync(data)
  writeFileSync(join(data, 'filler'), Buffer.alloc(bavail * bsize - ROOM))
  const { status, stdout, stderr } = await run()
  assert.deepEqual([status, stdout], [125, ''])
  assert.match(stderr, /^glovebox: There is no room left where the Docker Engine keeps images [^\n]+\n$/)
  const client = await engine.client()
  assert.deepEqual(await client.containers([]), [])
  assert.deepEqual(await client.images([]), [])
  assert.deepEqual(readdirSync(join(data, 'image/overlay2/layerdb/tmp')), [])

  rmSync(join(data, 'filler'))
  const next = await run()
  assert.deepEqual([next.status, next.stdout], [0, 'ran\n'], next.stderr)
})
