import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { PolicyError } from '../../src/index.js'
import { parse } from '../policy/harness.js'
import { inside } from '../support/attack.js'
import { box, SKIP, sh, theGlovebox } from '../support/boxes.js'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachUser, glovebox, SUITE_IS_ROOT, type TestUser, USERS } from '../support/users.js'

const ORDINARY = 65534
const waive = USERS[0]?.noMemoryLimit === null ? [] : ['limits.memory']

/** A folder that this user owns, and a policy that grants it live as /live. */
function granted(user: TestUser, t: Parameters<typeof testFolder>[0], more = '') {
  const folder = testFolder(t, 0o755)
  const live = join(folder, 'live')
  mkdirSync(live, { mode: 0o755 })
  const owner = user.isRoot || !SUITE_IS_ROOT ? (process.geteuid?.() ?? 0) : ORDINARY
  if (SUITE_IS_ROOT) chownSync(live, owner, owner)
  const policy = join(folder, 'policy.yaml')
  writeFileSync(policy, `version: 1\nfiles: {write: [{path: live, inside: /live, live: true}]}\n${more}`)
  return { folder, live, owner, flags: ['--policy', policy] }
}

const job = (user: TestUser, flags: readonly string[], script: string) =>
  glovebox(user, ['run', ...flags, '--', ...sh(script)])

asEachUser(
  'what a job writes to a live grant is there at once, and belongs to the owner of the folder',
  async (user, t) => {
    const { live, owner, flags } = granted(user, t)
    writeFileSync(join(live, 'before'), 'old')
    if (SUITE_IS_ROOT) chownSync(join(live, 'before'), owner, owner)
    const script =
      'cat /live/before; echo new > /live/before; mkdir /live/d; echo 1 > /live/d/f; cd /live; pwd; sleep 30'
    const run = await job(user, [...flags, '--deadline', '1s'], script)
    assert.equal(run.status, 124, run.stderr)
    assert.equal(run.stdout, 'old/live\n')
    assert.deepEqual(readdirSync(live).sort(), ['before', 'd'])
    assert.equal(readFileSync(join(live, 'before'), 'utf8'), 'new\n')
    for (const name of ['before', 'd', 'd/f']) {
      const { uid, gid } = statSync(join(live, name))
      assert.deepEqual([uid, gid], [owner, owner], name)
    }
  },
)

asEachUser(
  'the work directory can be a live grant, and then nothing is collected from it',
  async (user, t) => {
    const { folder, live } = granted(user, t)
    const policy = join(folder, 'work.yaml')
    writeFileSync(
      policy,
      'version: 1\nworkdir: /job\nfiles: {write: [{path: live, inside: /job, live: true}]}\n',
    )
    const run = await job(user, ['--policy', policy], 'echo here > made; ls')
    assert.equal(run.status, 0, run.stderr)
    assert.equal(readFileSync(join(live, 'made'), 'utf8'), 'here\n')
    const collected = await glovebox(user, ['run', '--policy', policy, '--output', 'made', '--', 'true'])
    assert.equal(collected.status, 125)
    assert.match(collected.stderr, /not in a folder that the job may write to|nothing can be/)
  },
)

asEachUser(
  'no call leaves a setuid file, a device or a link out of a live grant that leads anywhere',
  async (user, t) => {
    const { live, flags } = granted(user, t)
    const attempts = [
      'setuid-file,/live/s',
      'device,/live/d',
      'remount,/live',
      'create,/live/..',
      'create,/etc',
    ]
    const look = await inside(user, attempts, { flags })
    for (const each of attempts) assert.notEqual(look(each).result, 'ok', each)
    const shells = [
      'cp /bin/true /live/a; chmod 4755 /live/a',
      'cp /bin/true /live/b; chmod g+s /live/b',
      'mkdir /live/c; chmod g+s /live/c',
      'install -m 4755 /bin/true /live/e',
      'mknod /live/n c 1 3',
      'python3 -c "import os; os.open(\'/live/o\', os.O_CREAT | os.O_RDWR, 0o4755)"',
      'python3 -c "import os; os.mkdir(\'/live/m\', 0o2755)"',
      'ln -s /etc/passwd /live/l; echo x >> /live/l',
      'ln /etc/passwd /live/h',
    ]
    for (const script of shells) {
      const run = await job(user, flags, script)
      assert.notEqual(run.status, 0, `${script} succeeded`)
    }
    for (const name of readdirSync(live)) {
      const found = lstatSync(join(live, name))
      assert.equal(found.mode & 0o6000, 0, name)
      assert.ok(found.isFile() || found.isDirectory() || found.isSymbolicLink(), name)
    }
    const control = await finished(
      user.as(['/bin/sh', '-c', `cp /bin/true ${live}/k && chmod 4755 ${live}/k`]),
    )
    assert.equal(control.status, 0, control.stderr)
    assert.equal(statSync(join(live, 'k')).mode & 0o6000, 0o4000)
  },
)

asEachUser('a socket of the host in a live grant can not be connected to', async (user, t) => {
  const { live, flags } = granted(user, t)
  const server = createServer((socket) => socket.end('engine')).listen(join(live, 'engine.sock'))
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  chmodSync(join(live, 'engine.sock'), 0o777)
  const connect = (path: string) =>
    `python3 -c "import socket; s = socket.socket(socket.AF_UNIX); s.connect('${path}'); print(s.recv(9).decode())"`
  const control = await finished(['/bin/sh', '-c', connect(join(live, 'engine.sock'))])
  assert.equal(control.stdout, 'engine\n', control.stderr)
  const run = await job(user, flags, connect('/live/engine.sock'))
  assert.notEqual(run.status, 0)
  assert.doesNotMatch(run.stdout, /engine/)
})

test('what belongs to somebody else in a live grant stays theirs', {
  skip: SUITE_IS_ROOT ? SKIP : 'only root can make it',
}, async (t) => {
  const [user] = USERS
  if (user === undefined) return
  const { live, flags } = granted(user, t)
  writeFileSync(join(live, 'theirs'), 'private', { mode: 0o600 })
  chownSync(join(live, 'theirs'), 4242, 4242)
  const run = await job(
    user,
    flags,
    'cat /live/theirs; echo x > /live/theirs; chmod 666 /live/theirs; stat -c %u /live/theirs',
  )
  assert.equal(run.stdout, '65534\n', 'even as root’s job')
  assert.equal(readFileSync(join(live, 'theirs'), 'utf8'), 'private')
})

test('a live grant that is swapped for a symbolic link after the policy was loaded stops the start', {
  skip: SKIP,
}, async (t) => {
  const folder = testFolder(t)
  mkdirSync(join(folder, 'a'))
  const files = { write: [{ path: `${folder}/a`, inside: '/live', live: true }] }
  const policy = parse({ version: 1, waive, files })
  renameSync(join(folder, 'a'), join(folder, 'moved'))
  symlinkSync(join(folder, 'moved'), join(folder, 'a'))
  await assert.rejects(
    (await theGlovebox()).run(policy, sh('touch /live/x')),
    /replaced since the policy was read/,
  )
  assert.equal(existsSync(join(folder, 'moved/x')), false)
})

test('syscalls that could leave a setuid file cannot be allowed beside a live grant', {
  skip: SKIP,
}, async (t) => {
  const folder = testFolder(t)
  for (const name of ['openat2', 'fchmodat2', 'chmod']) {
    const policy = {
      syscalls: { allow: [name] },
      files: { write: [{ path: folder, inside: '/live', live: true }] },
    }
    await assert.rejects(box(['true'], {}, policy), (error) => {
      assert.ok(error instanceof PolicyError, String(error))
      assert.match(error.message, /setuid files on the host/)
      return true
    })
  }
  assert.ok((await box(['true'], {}, { syscalls: { allow: ['openat2'] } })).ok, 'the control')
})

asEachUser('explain says what a live grant is', async (user, t) => {
  const { live, flags } = granted(user, t)
  const { stdout, status } = await glovebox(user, ['explain', ...flags])
  assert.equal(status, 0)
  assert.ok(stdout.includes(`/live, which is ${live} itself: at once, and as much as fits there`), stdout)
  assert.match(stdout, /Think twice:\n.*No limit bounds what fills it/)
  assert.match(stdout, / yes {5}files\.live-writes: /)
})
