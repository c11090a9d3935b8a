/**
 * What bubblewrap's own tests are about, each asked of bubblewrap and of Glovebox with the same job: both must say the same.
 * Where Glovebox promises more, or has no such option, a test of its own follows. A regression shows as two answers.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hostOf } from '../../src/sandbox/index.js'
import { sharedFolder, testFolder } from '../support/checkout.js'
import { type Finished, finished } from '../support/spawned.js'
import { glovebox, SUITE_IS_ROOT, type TestUser } from '../support/users.js'
import { forRootAndOrdinary, under, writtenPolicy } from './policies.js'

const folder = sharedFolder()
mkdirSync(join(folder, 'data/sub'), { recursive: true })
writeFileSync(join(folder, 'data/file'), 'contents\n')
writeFileSync(join(folder, 'data/sub/file'), 'below\n')
symlinkSync('data', join(folder, 'link'))

const NOTHING_INHERITED = [
  '--clearenv',
  '--setenv',
  'PATH',
  '/usr/local/bin:/usr/bin:/bin',
  '--setenv',
  'HOME',
  '/job',
]
/** Never a job that writes to /proc/sys: bubblewrap's own, started by root, is root there. */
const BASE = [
  ...[
    '--unshare-all',
    '--unshare-user',
    '--uid',
    '1000',
    '--gid',
    '1000',
    '--die-with-parent',
    '--new-session',
  ],
  ...['--cap-drop', 'ALL', '--disable-userns', '--hostname', 'glovebox', ...NOTHING_INHERITED],
  ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib'],
  ...(existsSync('/lib64') ? ['--symlink', 'usr/lib64', '/lib64'] : []),
  ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--dir', '/job', '--chdir', '/job'],
]

interface Theme {
  readonly name: string
  readonly bubblewrap?: readonly string[]
  readonly glovebox?: readonly string[]
  readonly job: string
  /** of standard output, from both; absent: only that both say the same */
  readonly says?: RegExp
  readonly status?: number
}

const THEMES: readonly Theme[] = [
  {
    name: 'a folder bound read-only shows its files, and none of them can be changed, made or removed',
    bubblewrap: ['--ro-bind', join(folder, 'data'), '/in'],
    glovebox: ['--read', `${join(folder, 'data')}:/in`],
    job: 'cat /in/file /in/sub/file; for c in "echo x >/in/file" "touch /in/new" "rm /in/file" "mkdir /in/d" "mv /in/file /in/g"; do sh -c "$c" 2>/dev/null && echo "$c"; done; true',
    says: /^contents\nbelow\n$/,
  },
  {
    name: 'one file can be bound, without what lies beside it',
    bubblewrap: ['--ro-bind', join(folder, 'data/file'), '/one'],
    glovebox: ['--read', `${join(folder, 'data/file')}:/one`],
    job: 'cat /one; ls /sub 2>/dev/null; ls / | grep -c sub',
    says: /^contents\n0\n$/,
    status: 1,
  },
  {
    name: 'a source that is a symbolic link is followed on the host, once, at the start',
    bubblewrap: ['--ro-bind', join(folder, 'link'), '/in'],
    glovebox: ['--read', `${join(folder, 'link')}:/in`],
    job: 'cat /in/file; readlink /in; true',
    says: /^contents\n$/,
  },
  {
    name: 'a bind may lie deep below folders that are not there',
    bubblewrap: ['--ro-bind', join(folder, 'data'), '/a/b/c'],
    glovebox: ['--read', `${join(folder, 'data')}:/a/b/c`],
    job: 'cat /a/b/c/file; ls /a /a/b',
    says: /^contents\n\/a:\nb\n\n\/a\/b:\nc\n$/,
  },
  {
    name: '/tmp is empty and can be written to',
    job: 'ls -A /tmp; echo x > /tmp/f && cat /tmp/f',
    says: /^x\n$/,
  },
  {
    name: 'a tmpfs has the size that it was given',
    bubblewrap: ['--size', '1048576', '--tmpfs', '/tmp'],
    glovebox: ['--scratch', '1MiB'],
    job: 'head -c 900000 /dev/zero > /tmp/f && echo fits; head -c 900000 /dev/zero > /tmp/g 2>/dev/null || echo full',
    says: /^fits\nfull\n$/,
  },
  {
    name: '/dev has the harmless devices, and they work',
    job: 'for d in null zero full random urandom tty stdin stdout stderr fd shm pts ptmx; do test -e /dev/$d || echo no $d; done; echo x > /dev/null; head -c 3 /dev/zero | wc -c; head -c 5 /dev/urandom | wc -c; echo x 2>/dev/null > /dev/full || echo full',
    says: /^3\n5\nfull\n$/,
  },
  {
    name: '/dev has none that lead to the host',
    job: 'ls /dev/mem /dev/kmsg /dev/sda /dev/vda /dev/fuse 2>/dev/null',
    says: /^$/,
    status: 2,
  },
  {
    name: '/proc shows the sandbox’s own processes',
    job: 'test $(ls -d /proc/[0-9]* | wc -l) -lt 6 && echo few',
    says: /^few\n$/,
  },
  {
    name: 'the job starts where it is told',
    bubblewrap: ['--dir', '/work', '--chdir', '/work'],
    glovebox: ['--workdir', '/work'],
    job: 'pwd',
    says: /^\/work\n$/,
  },
  {
    name: 'uid and gid are mapped, and there are no other groups',
    job: 'id -u; id -g; id -G',
    says: /^1000\n1000\n1000\n$/,
  },
  { name: 'not one capability', job: 'grep ^Cap /proc/self/status', says: /^(Cap\w+:\t0{16}\n){5}$/ },
  { name: 'no new privileges', job: 'grep ^NoNewPrivs /proc/self/status', says: /^NoNewPrivs:\t1\n$/ },
  {
    name: 'no user namespace can be made',
    job: 'unshare --user true 2>/dev/null || echo refused',
    says: /^refused\n$/,
  },
  { name: 'the host name is the sandbox’s', job: 'cat /proc/sys/kernel/hostname', says: /^glovebox\n$/ },
  {
    name: 'no network but loopback',
    job: 'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "',
    says: /^lo\n$/,
  },
  {
    name: 'the environment is what was set, and nothing else',
    bubblewrap: ['--setenv', 'FOO', 'bar'],
    glovebox: ['--env', 'FOO=bar'],
    job: 'env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= -e ^PATH= | sort',
    says: /^FOO=bar\nHOME=\/job\n$/,
  },
  {
    name: 'a session of its own, without a terminal',
    job: 'test -r /dev/tty 2>/dev/null && cat /dev/tty 2>/dev/null; echo $?',
    says: /^1\n$/,
  },
  {
    name: 'neither the old root nor the new one is to be seen',
    job: 'ls -d /oldroot /newroot /tmp/oldroot /tmp/newroot /sys 2>/dev/null',
    says: /^$/,
    status: 2,
  },
  { name: 'an exit status is passed through', job: 'exit 42', status: 42 },
  { name: 'a death by a signal is 128 and its number', job: 'kill -TERM $$', status: 143 },
  {
    name: 'a command that does not exist is not taken for a success',
    job: 'exec no-such-command',
    status: 127,
  },
]

const MODERN = hostOf().bubblewrap !== null

async function ofBubblewrap(user: TestUser, theme: Theme): Promise<Finished> {
  const argv = ['bwrap', ...BASE, ...(theme.bubblewrap ?? []), '--', 'sh', '-c', theme.job]
  return finished(user.as(argv), { cwd: '/' })
}

for (const theme of THEMES)
  forRootAndOrdinary(
    theme.name,
    async (user) => {
      const theirs = await ofBubblewrap(user, theme)
      const ours = await glovebox(user, ['run', ...(theme.glovebox ?? []), '--', 'sh', '-c', theme.job])
      assert.equal(ours.stdout, theirs.stdout, `theirs: ${theirs.stderr} ours: ${ours.stderr}`)
      assert.equal(ours.status, theirs.status, `theirs: ${theirs.stderr} ours: ${ours.stderr}`)
      assert.equal(ours.status, theme.status ?? 0, ours.stderr)
      if (theme.says !== undefined) assert.match(ours.stdout, theme.says)
    },
    () => (MODERN ? null : 'bubblewrap is not installed'),
  )

/** bubblewrap hands on what its caller left open, its own `--info-fd` and `--sync-fd` among it; Glovebox hands on nothing. */
forRootAndOrdinary('no descriptor of the caller or of the start is open in the job', async (user) => {
  const before = `exec 7< ${folder} 8> /dev/null 9<> /dev/null`
  const { stdout, stderr } = await glovebox(user, ['run', '--', 'sh', '-c', 'cd /proc/self/fd && echo *'], {
    before,
  })
  assert.match(stdout, /^0 1 2\n$|^0 1 2 3\n$/, stderr)
})

/** `--disable-userns` is a second wall behind the filter: with the call allowed by the policy, the kernel still says no. */
forRootAndOrdinary('user namespaces stay out of reach when the policy allows the call', async (user) => {
  writtenPolicy('unshare', { version: 1, syscalls: { allow: ['unshare', 'setns'] } })
  const { stdout, stderr, status } = await under(user, 'unshare', ['unshare', '--user', 'true'])
  assert.notEqual(status, 0, stdout)
  assert.match(stderr, /No space left on device/)
  const raised = await under(user, 'unshare', [
    'sh',
    '-c',
    'echo 9 > /proc/sys/user/max_user_namespaces; unshare -U true',
  ])
  assert.notEqual(raised.status, 0)
})

/** `--seccomp`: theirs takes a program, ours takes names. */
forRootAndOrdinary('a call that the policy denies is refused, and the others go on', async (user) => {
  writtenPolicy('no-links', { version: 1, syscalls: { deny: ['link', 'linkat'] } })
  const script = 'echo x > a; ln a b; ln -s a c && cat c'
  const denied = await under(user, 'no-links', ['sh', '-c', script])
  assert.match(denied.stderr, /Operation not permitted/)
  assert.equal(denied.stdout, 'x\n')
  const free = await glovebox(user, ['run', '--', 'sh', '-c', script])
  assert.equal(free.stderr, '')
})

/** `--as-pid-1`: Glovebox's own pid 1 reaps, so that no job has to. */
forRootAndOrdinary('the job is not pid 1, and its orphans are reaped', async (user) => {
  const script =
    'echo $$; (sleep 0.01 & ); sleep 0.1; grep -l "^State:.Z" /proc/[0-9]*/status; cat /proc/1/comm'
  const { stdout } = await glovebox(user, ['run', '--', 'sh', '-c', script])
  assert.match(stdout, /^[2-9]\n\S+\n$/)
})

/** bubblewrap's #119: a bind over a symbolic link. A link of the root must not lead a grant elsewhere. */
forRootAndOrdinary(
  'a grant can’t be placed on or below a link of the root, nor outside by its spelling',
  async (user) => {
    for (const inside of [
      '/bin/in',
      '/var/tmp',
      '/var/tmp/in',
      '/lib',
      '/dev/fd/3',
      '/proc/self/root/in',
      '/tmp/../etc/in',
    ]) {
      const flags = ['--read', `${join(folder, 'data')}:${inside}`]
      const { status, stdout, stderr } = await glovebox(user, ['run', ...flags, '--', 'true'])
      assert.equal(status, 125, `${inside}: ${stdout}`)
      assert.match(stderr, /^glovebox: --read: files\.read\[0\]: /, inside)
    }
  },
)

forRootAndOrdinary(
  'a source that is not there, or a size that is none, is said so before anything starts',
  async (user) => {
    const absent = await glovebox(user, ['run', '--read', '/no/such/source:/in', '--', 'true'])
    assert.equal(absent.status, 125)
    assert.match(absent.stderr, /^glovebox: .*\/no\/such\/source/m)
    for (const size of [
      '0',
      '',
      '-1MiB',
      '123bogus',
      ' 1MiB',
      '18446744073709551616B',
      '9223372036854775809B',
    ])
      assert.equal((await glovebox(user, ['run', '--scratch', size, '--', 'true'])).status, 125, size)
  },
)

forRootAndOrdinary('options behind -- are the command’s, whatever they look like', async (user) => {
  const { stdout } = await glovebox(user, ['run', '--', 'echo', '--read', '/root', '--'])
  assert.equal(stdout, '--read /root --\n')
  assert.equal((await glovebox(user, ['run', '--', '--policy', 'x'])).status, 127)
})

/** Theirs: a bind of a file that its caller can't read gives nothing to the sandbox. */
forRootAndOrdinary(
  'a grant gives an ordinary user nothing that it could not read itself',
  async (user, t) => {
    const place = testFolder(t, 0o755)
    writeFileSync(join(place, 'secret'), 'secret', { mode: 0o600 })
    const { stdout } = await glovebox(user, [
      'run',
      '--read',
      `${join(place, 'secret')}:/in`,
      '--',
      'cat',
      '/in',
    ])
    const own = user.isRoot || !SUITE_IS_ROOT
    assert.equal(stdout, own ? 'secret' : '')
  },
)
