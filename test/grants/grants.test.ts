import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { LaunchError } from '../../src/index.js'
import { parse } from '../policy/harness.js'
import { inside } from '../support/attack.js'
import { assertRefused, box, SKIP, sh, theGlovebox } from '../support/boxes.js'
import { mountFor, testFolder } from '../support/checkout.js'
import { asEachUser, glovebox, SUITE_IS_ROOT, USERS } from '../support/users.js'

const ORDINARY = 65534
const waive = USERS[0]?.noMemoryLimit === null ? [] : ['limits.memory']
const ROOT_ONLY = SUITE_IS_ROOT ? SKIP : 'only root can make it'

/** A file that its owner alone can read, in a folder that its owner alone can enter. */
function secret(folder: string, owner: number): void {
  mkdirSync(join(folder, 'data'), { mode: 0o700 })
  writeFileSync(join(folder, 'data/file'), 'contents', { mode: 0o600 })
  if (SUITE_IS_ROOT) for (const path of ['data/file', 'data', '']) chownSync(join(folder, path), owner, owner)
}

asEachUser('a private folder that is granted can be read, and nothing in it written', async (user, t) => {
  const folder = testFolder(t)
  secret(folder, user.isRoot || !SUITE_IS_ROOT ? (process.geteuid?.() ?? 0) : ORDINARY)
  const attempts = [
    'read,/in/file',
    'write,/in/file',
    'create,/in',
    'setuid-file,/in/s',
    'put,/in/file,overwritten',
    'remount,/in',
    'device,/in/d',
  ]
  const look = await inside(user, attempts, { flags: ['--read', `${folder}/data:/in`] })
  assert.equal(look('read,/in/file').detail, 'contents')
  for (const each of attempts.slice(1)) assert.notEqual(look(each).result, 'ok', each)
  assert.equal(readFileSync(join(folder, 'data/file'), 'utf8'), 'contents')
  assert.deepEqual(readdirSync(join(folder, 'data')), ['file'])

  const file = await inside(user, ['read,/tmp/one', 'write,/tmp/one', 'there,/tmp/file'], {
    flags: ['--read', `${folder}/data/file:/tmp/one`],
  })
  assert.equal(file('read,/tmp/one').detail, 'contents')
  assert.equal(file('write,/tmp/one').result, 'EROFS')
})

asEachUser('of the host’s paths, only the granted one is in the list of mounts', async (user, t) => {
  const folder = testFolder(t, 0o755)
  mkdirSync(join(folder, 'granted'))
  const look = await inside(user, ['read,/proc/self/mountinfo', 'list,/in/..'], {
    flags: ['--read', `${folder}/granted:/in`],
  })
  assert.ok(look('read,/proc/self/mountinfo').detail.includes(`${folder}/granted /in ro,nosuid,nodev`))
  assert.doesNotMatch(look('list,/in/..').detail, /granted/)
})

/** CVE-2024-21626's cousin: what was checked is swapped for a symbolic link before it is used. */
describe('grants, by the library', { skip: SKIP }, () => {
  for (const swapped of ['a/b', 'a'])
    test(`${swapped} of a/b is swapped for a symbolic link after the policy was loaded: the start is refused`, async (t) => {
      const folder = testFolder(t)
      mkdirSync(join(folder, 'a/b'), { recursive: true })
      const policy = parse({ version: 1, waive, files: { read: [`${folder}/a/b:/in`] } })
      const box = await theGlovebox()
      assert.ok((await box.run(policy, ['ls', '/in'])).ok)

      renameSync(join(folder, swapped), join(folder, 'moved'))
      symlinkSync(swapped === 'a' ? join(folder, 'moved') : '/etc', join(folder, swapped))
      await assert.rejects(box.run(policy, ['ls', '/in']), (error) => {
        assert.ok(error instanceof LaunchError)
        assert.match(error.message, /replaced since the policy was read/)
        return true
      })
    })

  test('a grant that is gone is refused', async (t) => {
    const folder = testFolder(t)
    mkdirSync(join(folder, 'a'))
    const policy = parse({ version: 1, waive, files: { read: [`${folder}/a:/in`] } })
    rmSync(join(folder, 'a'), { recursive: true })
    await assert.rejects((await theGlovebox()).run(policy, ['ls', '/in']), LaunchError)
  })

  test('a symbolic link inside a grant leads nowhere outside it', async (t) => {
    const folder = testFolder(t)
    mkdirSync(join(folder, 'a'))
    writeFileSync(join(folder, 'secret'), 'secret')
    symlinkSync('../secret', join(folder, 'a/relative'))
    symlinkSync(join(folder, 'secret'), join(folder, 'a/absolute'))
    const result = await box(
      sh('cat /in/relative /in/absolute /in/../secret'),
      {},
      { files: { read: [`${folder}/a:/in`] } },
    )
    assert.equal(result.text(), '')
    assert.notEqual(result.exitCode, 0)
  })

  test('a mount below a grant is shown, and as read-only, nosuid and nodev as the grant', {
    skip: ROOT_ONLY,
  }, async (t) => {
    const folder = testFolder(t)
    mkdirSync(join(folder, 'a/mounted'), { recursive: true })
    mountFor(folder, 'tmpfs', join(folder, 'a/mounted'))
    writeFileSync(join(folder, 'a/mounted/file'), 'below', { mode: 0o600 })
    const script = sh(
      'cat /in/mounted/file; echo x > /in/mounted/file; touch /in/mounted/new; grep " /in/mounted " /proc/self/mounts',
    )
    const result = await box(script, {}, { files: { read: [`${folder}/a:/in`] } })
    assert.match(result.text(), /^below.* ro,nosuid,nodev/s)
    assert.deepEqual(readdirSync(join(folder, 'a/mounted')), ['file'])
    assert.equal(readFileSync(join(folder, 'a/mounted/file'), 'utf8'), 'below')
  })
})

/** The attack: a chroot's /proc lies below the grant, and with it every process of the host. */
asEachUser(
  'a grant with a file system of the kernel below it is refused',
  async (user, t) => {
    const folder = testFolder(t, 0o755)
    mkdirSync(join(folder, 'a/proc'), { recursive: true })
    mountFor(folder, 'proc', join(folder, 'a/proc'))
    const { status, stdout } = await glovebox(user, [
      'run',
      '--read',
      `${folder}/a:/in`,
      '--',
      'ls',
      '/in/proc',
    ])
    assert.equal(status, 125, stdout)
  },
  () => ROOT_ONLY || null,
)

asEachUser(
  'a write grant is filled when the job ends: files replaced, others left, folders merged',
  async (user, t) => {
    const folder = testFolder(t, 0o755)
    mkdirSync(join(folder, 'out/sub'), { recursive: true })
    for (const name of ['replaced', 'left', 'sub/left']) writeFileSync(join(folder, 'out', name), 'old')
    if (SUITE_IS_ROOT && !user.isRoot)
      for (const name of ['out', 'out/sub', 'out/replaced']) chownSync(join(folder, name), ORDINARY, ORDINARY)
    const script =
      'ls -A /out; echo new > /out/replaced; mkdir /out/sub /out/more; echo new > /out/sub/new; echo new > /out/more/new'
    const args = ['run', '--write', `${folder}/out:/out`, '--', ...sh(script)]
    const { status, stdout, stderr } = await glovebox(user, args)
    assert.equal(status, 0, stderr)
    assert.equal(stdout, '', 'what is there already is not shown')
    const read = (name: string) => readFileSync(join(folder, 'out', name), 'utf8')
    for (const name of ['replaced', 'sub/new', 'more/new']) assert.equal(read(name), 'new\n')
    for (const name of ['left', 'sub/left']) assert.equal(read(name), 'old')
    assert.deepEqual(readdirSync(join(folder, 'out')).sort(), ['left', 'more', 'replaced', 'sub'])
    assert.deepEqual(readdirSync(folder), ['out'])
    assert.equal(
      statSync(join(folder, 'out/replaced')).uid,
      user.isRoot || !SUITE_IS_ROOT ? process.geteuid?.() : ORDINARY,
    )
  },
)

describe('write grants, by the library', { skip: SKIP }, () => {
  const grants = (folder: string) => ({ files: { write: [`${folder}/one:/one`, `${folder}/two:/two`] } })
  const make = (folder: string) => {
    for (const name of ['one', 'two']) mkdirSync(join(folder, name))
    writeFileSync(join(folder, 'one/old'), 'old')
  }
  const untouched = (folder: string) => {
    assert.deepEqual(readdirSync(join(folder, 'one')), ['old'])
    assert.equal(readFileSync(join(folder, 'one/old'), 'utf8'), 'old')
  }

  for (const [name, left, why] of [
    ['a symbolic link', 'ln -s /etc/passwd /two/l', /"\/two\/l" is a symbolic link/],
    ['a fifo', 'mkfifo /two/f', /no plain file/],
    ['a bad name', 'touch "/two/$(printf \'\\033\')"', /control or invisible/],
  ] as const)
    test(`${name} in one grant: nothing reaches any`, async (t) => {
      const folder = testFolder(t)
      make(folder)
      assertRefused(
        await box(sh(`echo new > /one/old; echo new > /one/new; ${left}`), {}, grants(folder)),
        why,
      )
      untouched(folder)
      assert.deepEqual(readdirSync(join(folder, 'two')), [])
    })

  test('a symbolic link at the destination is not followed: nothing reaches any grant', async (t) => {
    const folder = testFolder(t)
    make(folder)
    mkdirSync(join(folder, 'elsewhere'))
    symlinkSync('../elsewhere', join(folder, 'two/sub'))
    const result = await box(
      sh('echo new > /one/old; mkdir /two/sub; echo new > /two/sub/new'),
      {},
      grants(folder),
    )
    assertRefused(result, /two\/sub is no folder/)
    untouched(folder)
    assert.deepEqual(readdirSync(join(folder, 'elsewhere')), [])
  })

  test('a file that is a symbolic link at the destination is replaced, not written through', async (t) => {
    const folder = testFolder(t)
    make(folder)
    writeFileSync(join(folder, 'elsewhere'), 'as it was')
    symlinkSync('../elsewhere', join(folder, 'two/file'))
    assert.ok((await box(sh('echo new > /two/file'), {}, grants(folder))).ok)
    assert.equal(readFileSync(join(folder, 'elsewhere'), 'utf8'), 'as it was')
    assert.equal(readFileSync(join(folder, 'two/file'), 'utf8'), 'new\n')
  })

  test('a job that is killed, or runs into its deadline, leaves nothing in its grants', async (t) => {
    const folder = testFolder(t)
    make(folder)
    assert.equal((await box(sh('echo new > /one/old; kill -9 $$'), {}, grants(folder))).reason, 'signal')
    untouched(folder)
    const late = await box(
      sh('echo new > /one/old; sleep 9'),
      {},
      { ...grants(folder), lifetime: { deadline: '300ms' } },
    )
    assert.equal(late.reason, 'deadline')
    untouched(folder)
  })

  test('a job that fails still gives what it wrote: its exit code says what to make of it', async (t) => {
    const folder = testFolder(t)
    make(folder)
    assert.equal((await box(sh('echo new > /one/new; exit 3'), {}, grants(folder))).exitCode, 3)
    assert.deepEqual(readdirSync(join(folder, 'one')).sort(), ['new', 'old'])
  })

  test('a grant that is a mount of its own is filled', { skip: ROOT_ONLY }, async (t) => {
    const folder = testFolder(t)
    make(folder)
    mountFor(folder, 'tmpfs', join(folder, 'two'))
    const result = await box(sh('mkdir /two/d; echo new > /two/d/new'), {}, grants(folder))
    assert.ok(result.ok, result.message ?? '')
    assert.equal(readFileSync(join(folder, 'two/d/new'), 'utf8'), 'new\n')
    assert.deepEqual(readdirSync(join(folder, 'two')), ['d'])
  })

  test('a mount below a grant can’t be filled in one step: nothing reaches any', {
    skip: ROOT_ONLY,
  }, async (t) => {
    const folder = testFolder(t)
    make(folder)
    mkdirSync(join(folder, 'two/d'))
    mountFor(folder, 'tmpfs', join(folder, 'two/d'))
    assertRefused(
      await box(sh('echo n > /one/old; mkdir /two/d; echo n > /two/d/n'), {}, grants(folder)),
      /another file system/,
    )
    untouched(folder)
  })
})

/** As an ordinary user the folder above the grant is often somebody else's. */
asEachUser(
  'a write grant in a folder that this user can’t write to',
  async (user, t) => {
    const folder = testFolder(t, 0o755)
    mkdirSync(join(folder, 'out'), { mode: 0o700 })
    chownSync(join(folder, 'out'), user.isRoot ? 0 : ORDINARY, user.isRoot ? 0 : ORDINARY)
    chmodSync(folder, 0o555)
    const { status, stderr } = await glovebox(user, [
      'run',
      '--write',
      `${folder}/out:/out`,
      '--',
      ...sh('echo new > /out/new'),
    ])
    assert.equal(status, 0, stderr)
    assert.deepEqual(readdirSync(join(folder, 'out')), ['new'])
  },
  () => ROOT_ONLY || null,
)
