/**
 * The folder of decoys is open to everybody, and lies where anybody may make others: whoever plants links in it must not have
 * files of root removed, and a verification that was killed with all its processes must leave nothing for long.
 */
import assert from 'node:assert/strict'
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { LaunchError } from '../../src/errors/index.js'
import { makeFolder, removeFolder } from '../../src/proof/verify/decoy-folder.js'
import { sweep } from '../../src/sandbox/staging.js'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'

/** With $TMPDIR, and a journal, of its own. */
async function within(folder: string, body: () => Promise<void> | void): Promise<void> {
  const { TMPDIR, HOME } = process.env
  Object.assign(process.env, { TMPDIR: folder, HOME: folder })
  try {
    await body()
  } finally {
    for (const [name, was] of Object.entries({ TMPDIR, HOME }))
      if (was === undefined) delete process.env[name]
      else process.env[name] = was
  }
}

const decoysIn = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('glovebox-verify-'))

test('a folder of decoys is made for all, and removed with what lies in it', async (t) => {
  const place = testFolder(t)
  await within(place, () => {
    const folder = makeFolder()
    assert.equal(lstatSync(folder.path).mode & 0o7777, 0o1777)
    for (const part of ['canary', 'granted/file', 'live/left']) writeFileSync(join(folder.path, part), 'x')
    folder.remove()
    assert.deepEqual(decoysIn(place), [])
  })
})

test('no link is followed out of it', async (t) => {
  const place = testFolder(t)
  const precious = join(place, 'precious')
  mkdirSync(precious)
  writeFileSync(join(precious, 'file'), 'x')
  await within(place, () => {
    const folder = makeFolder()
    symlinkSync(precious, join(folder.path, 'link'))
    rmSync(join(folder.path, 'granted'), { recursive: true })
    symlinkSync(precious, join(folder.path, 'granted'))
    folder.remove()
    const whole = join(place, 'glovebox-verify-0123abcd')
    symlinkSync(precious, whole)
    removeFolder(whole)
    rmSync(whole)
  })
  assert.deepEqual(readdirSync(precious), ['file'])
  assert.deepEqual(decoysIn(place), [])
})

test('what somebody else keeps in it is not removed with it', async (t) => {
  const place = testFolder(t)
  await within(place, () => {
    const folder = makeFolder()
    mkdirSync(join(folder.path, 'theirs'))
    writeFileSync(join(folder.path, 'theirs/file'), 'x')
    folder.remove()
    assert.ok(existsSync(join(folder.path, 'theirs/file')))
  })
})

test('a folder whose makers were killed is swept by the next verification, and left to it by a run', async (t) => {
  const place = testFolder(t)
  const script = `import { makeFolder } from '${new URL('../../src/proof/verify/decoy-folder.js', import.meta.url).href}'
makeFolder(); process.kill(process.pid, 'SIGKILL')`
  const { signal } = await finished([process.execPath, '--input-type=module', '-e', script], {
    env: { ...process.env, TMPDIR: place, HOME: place },
  })
  assert.equal(signal, 'SIGKILL')
  assert.equal(decoysIn(place).length, 1)
  await within(place, async () => {
    await sweep()
    assert.equal(decoysIn(place).length, 1)
    const next = makeFolder()
    assert.deepEqual(decoysIn(place).length, 1)
    next.remove()
    assert.deepEqual(decoysIn(place), [])
  })
})

test('a $TMPDIR in which decoys can not lie is refused, and it is said why', async (t) => {
  const place = testFolder(t)
  const made = ['a,b', 'a b', 'long'.repeat(20)].map((name) => join(place, name))
  for (const each of made) mkdirSync(each)
  const wrong: readonly (readonly [string, RegExp])[] = [
    [made[0] ?? '', /comma/],
    [made[1] ?? '', /a space/],
    [made[2] ?? '', /too long/],
    [join(place, 'none'), /can't be entered \(ENOENT\)/],
    ['/usr/share', /every sandbox shows \/usr/],
    ['/proc', /can't be made there/],
  ]
  for (const [folder, says] of wrong)
    await within(folder, () => {
      assert.throws(
        () => makeFolder(),
        (error) => error instanceof LaunchError && says.test(error.message),
      )
      assert.equal(existsSync(folder) && decoysIn(folder).length > 0, false)
    })
})
