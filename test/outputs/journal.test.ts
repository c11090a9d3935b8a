import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { abandoned, note, strike } from '../../src/sandbox/journal.js'
import { Staging, sweep } from '../../src/sandbox/staging.js'
import { started } from '../run/tools.js'
import { testFolder } from '../support/checkout.js'
import { asEachUser, glovebox, SUITE_IS_ROOT } from '../support/users.js'

const HEX = '0123456789abcdef'
const stagings = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('.glovebox-'))

/** Under the name that a process which is dead by now would have given it. */
function leftBehind(path: string, more: { boot?: string; ageHours?: number } = {}): string {
  const entry = note(path, HEX) ?? assert.fail('there is no place for a journal')
  const [boot = '', namespace = '', , ...rest] = basename(entry).split('.')
  const unused = 2 ** 22 - 1 // pid_max is at most 2^22, which is no pid itself
  const name = [more.boot ?? boot, namespace, unused, ...rest].join('.')
  const other = join(dirname(entry), name)
  renameSync(entry, other)
  const at = Date.now() / 1000 - (more.ageHours ?? 0) * 3600
  utimesSync(other, at, at)
  return other
}

function madeIn(folder: string, name = `.glovebox-${HEX}`): string {
  const path = join(folder, name)
  mkdirSync(join(path, 'new'), { recursive: true })
  chmodSync(path, 0o700)
  writeFileSync(join(path, 'new/half'), 'half')
  return path
}

asEachUser(
  'a run killed while it collects leaves a folder, which the next start removes',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const own = testFolder(t, 0o777)
    const env = { ...process.env, HOME: own }
    const job = 'for i in $(seq 3000); do echo $i > many/$i; done; truncate -s 40M many/large'
    const args = ['run', '--output', `many:${folder}/many`, '--', 'sh', '-c', `mkdir many; ${job}`]
    const run = started(user, args, { env })
    for (let tries = 0; stagings(folder).length === 0 && tries < 3000; tries++) await sleep(5)
    run.child.kill('SIGKILL')
    await run.ended
    assert.equal(stagings(folder).length, 1, 'the control: it was killed too late, or too early')
    const next = await glovebox(user, ['run', '--', 'true'], { env })
    assert.equal(next.status, 0, next.stderr)
    assert.deepEqual(readdirSync(folder), [])
    assert.deepEqual(readdirSync(own), existsSync(join(own, '.local')) ? ['.local'] : [])
  },
)

test('what a process that lives is making is not removed', async (t) => {
  const staging = Staging.make(testFolder(t))
  writeFileSync(staging.at('half'), 'half')
  await sweep()
  assert.equal(readFileSync(staging.at('half'), 'utf8'), 'half')
  await staging.remove()
})

test('what a dead process was making is removed, once, and its note', async (t) => {
  const folder = testFolder(t)
  const entry = leftBehind(madeIn(folder))
  await Promise.all([sweep(), sweep()])
  assert.deepEqual(readdirSync(folder), [])
  assert.equal(existsSync(entry), false)
})

test('a process that can not be looked for is taken for dead after a day', async (t) => {
  const folder = testFolder(t)
  const boot = '00000000-0000-4000-8000-000000000000'
  const young = leftBehind(madeIn(folder), { boot, ageHours: 1 })
  await sweep()
  assert.ok(existsSync(young) && stagings(folder).length === 1)
  strike(young)
  leftBehind(join(folder, `.glovebox-${HEX}`), { boot, ageHours: 25 })
  await sweep()
  assert.deepEqual(readdirSync(folder), [])
})

test('nothing but such a folder of one’s own is ever removed, whatever the note says', async (t) => {
  const folder = testFolder(t)
  const kept = madeIn(folder, 'precious')
  const link = join(folder, `.glovebox-${HEX}`)
  symlinkSync(kept, link)
  const open_ = join(testFolder(t), `.glovebox-${HEX}`)
  mkdirSync(open_)
  chmodSync(open_, 0o755)
  for (const path of [kept, link, open_, '/', '', 'relative', `${folder}/none/.glovebox-${HEX}`]) {
    const entry = leftBehind(path)
    await sweep()
    assert.equal(existsSync(entry), false, path)
  }
  assert.ok(existsSync(join(kept, 'new/half')) && existsSync(open_))
  assert.deepEqual(
    [...abandoned().values()].filter((path) => path.startsWith(folder)),
    [],
  )
})

test('a folder put in the place of a staging folder is neither written to nor emptied', async (t) => {
  const folder = testFolder(t)
  const victim = madeIn(folder, 'victim')
  const staging = Staging.make(folder)
  const [name = ''] = stagings(folder)
  renameSync(join(folder, name), join(folder, 'aside'))
  symlinkSync(victim, join(folder, name))
  writeFileSync(staging.at('more'), 'more')
  await assert.rejects(staging.remove(), { code: 'ENOTDIR' })
  assert.deepEqual(readdirSync(victim), ['new'])
  assert.deepEqual(readdirSync(join(folder, 'aside')), [])
})

test('a journal that others could write to, or planted, is not used', {
  skip: !SUITE_IS_ROOT && 'needs root to plant',
}, (t) => {
  const planted = testFolder(t)
  chmodSync(planted, 0o777)
  const theirs = join(planted, 'glovebox-12345/journal')
  const wide = join(planted, 'state/glovebox/journal')
  for (const place of [theirs, wide]) mkdirSync(place, { recursive: true })
  chownSync(wide, 12345, 12345)
  chmodSync(wide, 0o777)
  const before = { ...process.env }
  Object.assign(process.env, { TMPDIR: planted, XDG_STATE_HOME: join(planted, 'state') })
  process.seteuid?.(12345)
  try {
    assert.equal(note(join(planted, 'thing'), HEX), null)
    assert.deepEqual([...abandoned()], [])
    // the folder is ours by now, the one around it is not: whoever owns that may swap it for a link at any moment
    process.seteuid?.(0)
    rmSync(theirs, { recursive: true })
    chmodSync(dirname(theirs), 0o777)
    process.seteuid?.(12345)
    assert.equal(note(join(planted, 'thing'), HEX), null)
  } finally {
    process.seteuid?.(0)
    process.env = before
  }
})
