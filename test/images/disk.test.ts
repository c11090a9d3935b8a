/** An image as a disk: the same tree, made once, the same bytes for everybody, and gone with the image. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { hostOf, SandboxWork } from '../../src/sandbox/index.js'
import { testFolder } from '../support/checkout.js'
import { type Finished, finished } from '../support/spawned.js'
import { ociImage, tarball, written } from '../support/tarball.js'
import { SUITE_IS_ROOT, type TestUser } from '../support/users.js'
import { NO_TOOLS, STORE_USERS, type TestStore, testStore } from './stores.js'

const MAKER = join(import.meta.dirname, 'disk-maker.js')
const NO_EROFS = ['/usr/bin/mkfs.erofs', '/usr/bin/fsck.erofs'].find((path) => !existsSync(path))
const NOT_HERE = NO_EROFS === undefined ? NO_TOOLS() : `${NO_EROFS} is not installed`
const skip = (user: TestUser) => ({ skip: user.skip ?? NOT_HERE ?? false })

const FILES = tarball([
  { name: 'bin/tool', mode: 0o4755, content: '#!/bin/sh\n' },
  { name: 'etc/secret', mode: 0o600, content: 'x'.repeat(5000) },
  { name: 'etc/empty', content: '' },
  { name: 'etc/link', type: '2', target: '/bin/tool' },
  { name: 'etc/same', type: '1', target: 'etc/secret' },
  { name: `usr/${'n'.repeat(90)}`, content: 'a long name\n' },
  ...Array.from({ length: 500 }, (_, i) => ({
    name: `usr/lib/d${i % 9}/f${i}`,
    content: `${i}\n`.repeat(i),
  })),
])
const IMAGE = ociImage([FILES])
const HEX = IMAGE.digest.slice('sha256:'.length)

async function withImage(user: TestUser, t: TestContext, mount?: string): Promise<TestStore> {
  const store = testStore(user, t, mount)
  written(join(store.folder, 'layout'), IMAGE.files)
  const { status, stderr } = await store.image('import', join(store.folder, 'layout'), 'tool')
  assert.equal(status, 0, stderr)
  return store
}

const make = (store: TestStore, ...more: string[]): Promise<Finished> =>
  finished(store.program([process.execPath, MAKER, 'tool', ...more]), { cwd: '/', env: store.env })

const diskOf = (store: TestStore) => join(store.place, 'images', HEX, 'root.erofs')
const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

/** What is in a tree, but for owners and times: of a store's tree all belong to its user. */
function listed(folder: string): string[] {
  return (readdirSync(folder, { recursive: true }) as string[]).sort().map((name) => {
    const path = join(folder, name)
    const found = lstatSync(path)
    const content = found.isSymbolicLink() ? readlinkSync(path) : found.isFile() ? sha256(path) : ''
    return `${name} ${(found.isSymbolicLink() ? 0 : found.mode).toString(8)} ${found.isFile() ? found.nlink : ''} ${content}`
  })
}

for (const user of STORE_USERS) {
  test(
    `the disk has the tree, name by name and mode by mode, of root (${user.name})`,
    skip(user),
    async (t) => {
      const store = await withImage(user, t)
      const { stdout, stderr } = await make(store)
      assert.match(stderr, /making the disk of the image/)
      const { disk } = JSON.parse(stdout)
      assert.equal(disk.replace('/var/lib/glovebox', join(store.folder, 'state')), diskOf(store))
      const out = join(testFolder(t), 'out')
      const extracted = await finished(['fsck.erofs', `--extract=${out}`, diskOf(store)])
      assert.equal(extracted.status, 0, extracted.stderr)
      const tree = listed(join(store.place, 'images', HEX, 'root'))
      assert.ok(tree.length > 500)
      // fsck.erofs 1.5 makes a file of each name of a file that has several
      const withoutLinks = (lines: readonly string[]) => lines.map((line) => line.replace(/ [12] /, ' 1 '))
      assert.deepEqual(withoutLinks(listed(out)), withoutLinks(tree))
      if (SUITE_IS_ROOT) assert.equal(lstatSync(join(out, 'bin/tool')).uid, 0)
      assert.equal(lstatSync(diskOf(store)).mode & 0o7777, 0o444)
      assert.deepEqual([store.has('staging'), store.has('uses')], [[], []])
    },
  )

  test(`it is made once, is shown, and goes with the image (${user.name})`, skip(user), async (t) => {
    const store = await withImage(user, t)
    assert.doesNotMatch((await store.image('inspect', 'tool')).stdout, /^disk /m)
    const all = await Promise.all([1, 2, 3].map(() => make(store)))
    assert.deepEqual(
      all.map(({ status, stderr }) => [status, stderr.replace(/^making.*\n/, '')]),
      [1, 2, 3].map(() => [0, '']),
    )
    assert.equal(all.filter(({ stderr }) => /making/.test(stderr)).length, 1)
    const { ino } = lstatSync(diskOf(store))
    assert.equal((await make(store)).stderr, '')
    assert.equal(lstatSync(diskOf(store)).ino, ino)
    assert.match((await store.image('inspect', 'tool')).stdout, /^disk +\/.*root\.erofs, \d+(\.\d+)?[KM]iB$/m)
    const [image] = JSON.parse((await store.image('ls', '--json')).stdout)
    assert.equal(image.diskBytes, lstatSync(diskOf(store)).size)
    assert.equal((await store.image('rm', 'tool')).status, 0)
    assert.deepEqual([store.has('images'), store.has('removed')], [[], []])
  })

  test(
    `one that is killed at any moment leaves nothing that the next does not clear (${user.name})`,
    skip(user),
    async (t) => {
      const store = await withImage(user, t)
      let killed = 0
      for (let turn = 0; turn < 8; turn++) {
        const [program = '', ...args] = store.program([process.execPath, MAKER, 'tool'])
        const child = spawn(program, args, { cwd: '/', env: store.env, stdio: 'ignore' })
        const ended = new Promise((resolve) => child.once('close', resolve))
        const timer = setTimeout(() => child.kill('SIGKILL'), 100 + turn * 120 + Math.random() * 100)
        await ended
        clearTimeout(timer)
        if (child.signalCode === 'SIGKILL') killed++
      }
      assert.ok(killed > 0, 'none was killed')
      const { status, stderr } = await make(store)
      assert.equal(status, 0, stderr)
      // one that was made whole before may be there already, and then nothing was left to clear
      await store.image('import', join(store.folder, 'layout'), 'again')
      assert.deepEqual([store.has('staging'), store.has('uses')], [[], []])
      const checked = await finished(['fsck.erofs', diskOf(store)])
      assert.equal(checked.status, 0, checked.stderr)
    },
  )

  test(`a file that can’t be read is said, and no disk is there (${user.name})`, skip(user), async (t) => {
    const store = await withImage(user, t)
    chmodSync(join(store.place, 'images', HEX, 'root/etc/secret'), 0)
    const { status, stderr } = await make(store)
    assert.equal(status, 1)
    assert.match(stderr, /The image could not be made a disk: .*(?:Permission denied|denied)/)
    assert.equal(existsSync(diskOf(store)), false)
    assert.deepEqual(store.has('staging'), [])
  })

  test(`a boundary that can be shown a folder needs none (${user.name})`, skip(user), async (t) => {
    const store = await withImage(user, t)
    const { stdout } = await make(store, 'process')
    assert.equal(JSON.parse(stdout).disk, null)
    assert.equal(existsSync(diskOf(store)), false)
  })
}

test('the same image is the same bytes, whoever made the disk', {
  skip: STORE_USERS.length < 2 ? 'the suite is no root' : (STORE_USERS[1]?.skip ?? NOT_HERE ?? false),
}, async (t) => {
  const sums: string[] = []
  for (const user of STORE_USERS) {
    const store = await withImage(user, t)
    assert.equal((await make(store)).status, 0)
    sums.push(sha256(diskOf(store)))
  }
  assert.equal(new Set(sums).size, 1)
})

test('a full disk is said, and nothing is left on it', {
  skip: NOT_HERE ?? (SUITE_IS_ROOT ? false : 'only root can mount a small disk'),
}, async (t) => {
  const user = STORE_USERS[0]!
  const store = await withImage(user, t)
  // the store as it is, on a disk that has room for it and for little more
  const small = `mkdir /var/lib/glovebox.new && mount -t tmpfs -o size=5m none /var/lib/glovebox.new; cp -a "$1"/. /var/lib/glovebox.new && mount --move /var/lib/glovebox.new /var/lib/glovebox; rmdir /var/lib/glovebox.new; shift; "$@"; echo "ended $?"; ls -A /var/lib/glovebox/images/staging /var/lib/glovebox/images/images/*`
  const { stdout, stderr } = await finished(
    [
      'unshare',
      '--mount',
      '/bin/sh',
      '-c',
      small,
      'sh',
      join(store.folder, 'state'),
      process.execPath,
      MAKER,
      'tool',
    ],
    { cwd: '/', env: store.env },
  )
  assert.match(stderr, /There is no room left in the store/)
  assert.match(stdout, /^ended 1\n/)
  assert.doesNotMatch(stdout, /root\.erofs/)
})

test('without mkfs.erofs the error says what installs it', async (t) => {
  const host = hostOf()
  const none = { path: null, distrusted: '', version: null, package: null }
  const work = new SandboxWork({ ...host, machines: () => ({ ...host.machines(), mkfsErofs: none }) })
  await assert.rejects(work.disk('/nonexistent', testFolder(t), 1), {
    code: 'image.programMissing',
    message: /mkfs\.erofs is not installed.*`apt-get install erofs-utils`/s,
  })
})
