/**
 * A folder as the root. The attacks are the tree's own: it was made by whoever made the image, so that any place on which the
 * sandbox puts something of its own may be a link, a file or missing. A regression shows as a mount that lands elsewhere
 * or as a start that fails.
 */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { message, parse } from '../policy/harness.js'
import { inside, outside } from '../support/attack.js'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { busyboxTree, NO_BUSYBOX } from '../support/trees.js'
import { asEachUser, glovebox, SUITE_IS_ROOT, type TestUser } from '../support/users.js'

const noBusybox = () => NO_BUSYBOX || null

const sh = (user: TestUser, tree: string, script: string, flags: readonly string[] = []) =>
  glovebox(user, ['run', '--root', `dir:${tree}`, ...flags, '--', 'sh', '-c', script])

asEachUser(
  'the root is the folder, read-only, and nothing of the host is in it',
  async (user, t) => {
    const tree = busyboxTree(join(testFolder(t, 0o755), 'tree'))
    writeFileSync(join(tree, 'etc/motd'), 'of the tree\n')
    const { status, stdout, stderr } = await sh(
      user,
      tree,
      'cat /etc/motd; ls -d /usr /home /root /sys/kernel 2>&1; for f in /x /etc/x /bin/x /etc/motd; do echo > $f; done 2>&1; echo > /job/x && echo > /tmp/x && cat /job/x /var/tmp/x && pwd && id -u',
    )
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^of the tree\n/)
    for (const path of ['/usr', '/home', '/root', '/sys/kernel'])
      assert.match(stdout, new RegExp(`ls: ${path}: No such file`), path)
    assert.equal(stdout.match(/Read-only file system/g)?.length, 4, stdout)
    assert.match(stdout, /\n\/job\n1000\n$/)
    assert.deepEqual(readdirSync(tree).sort(), ['bin', 'etc'], 'nothing was left in the tree')
  },
  noBusybox,
)

/** Where the sandbox has something of its own, the tree has a link to where that would do harm. */
function hostileTree(folder: string): string {
  const tree = busyboxTree(join(folder, 'tree'))
  mkdirSync(join(tree, 'prey'))
  for (const name of ['proc', 'dev', 'sys', 'tmp', 'job', 'var', 'srv'])
    symlinkSync('/prey', join(tree, name))
  for (const name of ['passwd', 'group', 'resolv.conf', 'nsswitch.conf', 'hosts', 'hostname'])
    symlinkSync('/prey/planted', join(tree, 'etc', name))
  writeFileSync(join(tree, 'prey/planted'), 'planted\n')
  return tree
}

asEachUser(
  'links where the sandbox has places of its own lead nowhere: /proc, /dev, /tmp, /etc/passwd, a grant',
  async (user, t) => {
    const folder = testFolder(t, 0o755)
    const tree = hostileTree(folder)
    mkdirSync(join(folder, 'in'))
    writeFileSync(join(folder, 'in/file'), 'granted\n')
    const { status, stdout, stderr } = await sh(
      user,
      tree,
      'cat /etc/passwd /etc/hostname; cat /srv/in/file; ls /prey /sys; stat -c %F:%n /proc /dev /tmp /job /srv; cat /proc/1/comm >/dev/null && ls /dev; echo x > /tmp/x',
      ['--read', `${join(folder, 'in')}:/srv/in`],
    )
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^root:x:0:0:.*\njob:.*\nnobody:.*\nglovebox\ngranted\n/)
    assert.match(stdout, /\/prey:\nplanted\n/)
    for (const place of ['/proc', '/dev', '/tmp', '/job', '/srv'])
      assert.match(stdout, new RegExp(`directory:${place}\n`))
    assert.match(stdout, /\nnull\n/)
    assert.deepEqual(readdirSync(join(tree, 'prey')), ['planted'])
    // the control: a program that trusts the tree is led astray
    assert.equal(readFileSync(join(tree, 'prey/planted'), 'utf8'), 'planted\n')
    if (SUITE_IS_ROOT) {
      const led = await finished(['chroot', tree, '/bin/sh', '-c', 'cat /etc/passwd; echo x > /tmp/there'])
      assert.equal(led.stdout, 'planted\n', led.stderr)
      assert.ok(readdirSync(join(tree, 'prey')).includes('there'))
    }
  },
  noBusybox,
)

asEachUser(
  'a tree that has nothing at all is a root, and what the job brings runs in it',
  async (user, t) => {
    const tree = join(testFolder(t, 0o755), 'empty')
    mkdirSync(tree)
    const { status, stderr } = await glovebox(user, ['run', '--root', `dir:${tree}`, '--', 'sh'])
    assert.equal(status, 127, stderr)
    assert.match(
      stderr,
      /"sh" is not in the sandbox: it shows the folder .*empty, and what the policy grants/,
    )
    assert.deepEqual(readdirSync(tree), [])
  },
)

asEachUser(
  'the attacks on the root that is the host’s programs fail on a folder as well',
  async (user, t) => {
    const tree = busyboxTree(join(testFolder(t, 0o755), 'tree'))
    mkdirSync(join(tree, 'usr/bin'), { recursive: true })
    for (const name of ['sh', 'cat', 'rm', 'chmod']) symlinkSync('/bin/busybox', join(tree, 'usr/bin', name))
    const attempts = [
      'remount,/',
      'create,/',
      'create,/bin',
      'setuid-file,/bin/s',
      'device,/tmp/d',
      'chroot,/tmp',
    ]
    const look = await inside(user, attempts, { flags: ['--root', `dir:${tree}`] })
    for (const each of attempts) assert.notEqual(look(each).result, 'ok', `${each}: ${look(each).detail}`)
  },
  noBusybox,
)

asEachUser(
  'a server’s socket in the tree can’t be connected to',
  async (user, t) => {
    const folder = testFolder(t, 0o755)
    const tree = busyboxTree(join(folder, 'tree'))
    const server = createServer((socket) => socket.destroy()).listen(join(tree, 'socket'))
    t.after(() => server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    chmodSync(join(tree, 'socket'), 0o777)
    mkdirSync(join(tree, 'usr/bin'), { recursive: true })
    for (const name of ['sh', 'cat', 'rm', 'chmod']) symlinkSync('/bin/busybox', join(tree, 'usr/bin', name))
    const path = `unix,${join(tree, 'socket')}`
    assert.equal((await outside([path]))(path).result, 'ok')
    const look = await inside(user, ['unix,/socket'], { flags: ['--root', `dir:${tree}`] })
    assert.notEqual(look('unix,/socket').result, 'ok')
  },
  noBusybox,
)

test('a folder that others may write to, or that is closed to the job, is refused with what to do', {
  skip: NO_BUSYBOX || (SUITE_IS_ROOT ? false : 'the second takes root'),
}, async (t) => {
  const tree = busyboxTree(join(testFolder(t, 0o755), 'tree'))
  const tried = () =>
    finished([process.execPath, 'bin/glovebox', 'run', '--root', `dir:${tree}`, '--', 'true'])
  chmodSync(tree, 0o777)
  assert.match((await tried()).stderr, /Everybody on this host may write to the root .*`chmod o-w /)
  chmodSync(tree, 0o700)
  assert.match((await tried()).stderr, /is closed to others.*`chmod o\+rx /)
})

const anyFolder = {
  resolveHostPath: (path: string) => ({ path, kind: 'directory', installation: '/opt/glovebox' }) as const,
}

test('the host’s own root, Glovebox’s state, kernel files and what is no folder are no roots', () => {
  const said = (root: string) => message({ version: 1, root }, anyFolder)
  assert.match(said('dir:/'), /root: "\/" is the whole host/)
  assert.match(said('dir:/var/lib'), /holds \/var\/lib\/glovebox, which is Glovebox's own/)
  assert.match(said('dir:/opt'), /holds \/opt\/glovebox, which is Glovebox's own/)
  assert.match(said('dir:/var/lib/glovebox/images/x'), /which is never granted/)
  assert.match(said('dir:/proc/1/root'), /which is never granted/)
  assert.match(message({ version: 1, root: 'dir:/etc/passwd' }), /is not a folder/)
  assert.match(said('dirr:/x'), /root: "dirr:\/x" is not a root. Write host, dir:PATH .* or image:NAME/)
})

test('what a job writes to is not what the next executes', () => {
  const said = message(
    { version: 1, root: 'dir:/srv/root', files: { write: ['/srv/root/out:/out'] } },
    anyFolder,
  )
  assert.match(
    said,
    /files\.write\[0\]: "\/srv\/root\/out" is written to, and is part of the root "\/srv\/root"/,
  )
})

test('a policy’s hash covers its root', () => {
  const root = (text: string) => parse({ version: 1, root: text }, anyFolder).root
  assert.deepEqual(root('dir:/srv/a'), { kind: 'dir', path: '/srv/a' })
  assert.deepEqual(root('image:tool'), { kind: 'image', reference: 'tool:latest' })
})

asEachUser(
  'verify breaks nothing where the root is a folder',
  async (user, t) => {
    const tree = busyboxTree(join(testFolder(t, 0o755), 'tree'))
    const only = ['files', 'isolation', 'identity'].flatMap((each) => ['--only', each])
    const { status, stdout, stderr } = await glovebox(user, ['verify', '--root', `dir:${tree}`, ...only])
    assert.equal(status, 0, `${stdout}${stderr}`)
    assert.match(stdout, /holds +files\.host-hidden/)
    assert.match(stdout, /holds +files\.root-read-only/)
  },
  noBusybox,
)
