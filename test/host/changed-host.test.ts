/**
 * Hosts that lack something, for real: each is this one with something taken away, in a mount namespace. Either a job runs
 * there as contained as anywhere, or the refusal says what to change. The attack: a host that makes a start weaker.
 */
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gloveboxOn, onChangedHost } from '../support/changed.js'
import { ROOT, testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachUser, SUITE_IS_ROOT } from '../support/users.js'

const needsRoot = () => (SUITE_IS_ROOT ? null : 'changing what a host shows takes root')
const skip = needsRoot() ?? false
const NODE = [process.execPath, join(ROOT, 'bin/glovebox')]

describe('a read-only root', () => {
  const READ_ONLY = 'mount -o remount,bind,ro /\nunset TMPDIR'

  asEachUser(
    'jobs run, with scratch and inputs, and not one file is written on the host',
    async (user) => {
      const script = 'cat given > /tmp/copy && cat /tmp/copy && touch /usr/x'
      const args = ['run', '--input', '/etc/hostname:given', '--', 'sh', '-c', script]
      const { stdout, stderr, status } = await gloveboxOn(READ_ONLY, user, args)
      assert.equal(status, 1, stderr)
      assert.notEqual(stdout, '')
      assert.match(stderr, /touch:.*Read-only/)
      const control = await onChangedHost(READ_ONLY, ['touch', '/tmp/glovebox-test-read-only'])
      assert.match(control.stderr, /Read-only file system/)
    },
    needsRoot,
  )
})

describe('no control groups', () => {
  const NONE = 'umount --recursive --lazy /sys/fs/cgroup'

  asEachUser(
    'limits.memory is refused with what mounts them and what does without; waived, a job runs',
    async (user) => {
      if (user.noMemoryLimit === null) {
        const refused = await gloveboxOn(NONE, user, ['run', '--', 'echo', 'it ran'])
        assert.equal(refused.status, 125)
        assert.equal(refused.stdout, '')
        assert.match(
          refused.stderr,
          /^glovebox: limits\.memory can't be enforced here: No cgroup file system/m,
        )
        assert.match(refused.stderr, /`mount -t cgroup2 cgroup2 \/sys\/fs\/cgroup`.*`--waive limits\.memory`/)
      }
      const waived = ['run', '--waive', 'limits.memory', '--', 'echo', 'it ran']
      assert.equal((await gloveboxOn(NONE, user, waived)).stdout, 'it ran\n')
    },
    needsRoot,
  )
})

describe('/proc', () => {
  asEachUser(
    'mounted with hidepid=2, which hides the processes of others: jobs run',
    async (user) => {
      const hidden = 'mount -t proc -o hidepid=2 proc /proc'
      const { stdout, stderr } = await gloveboxOn(hidden, user, [
        'run',
        '--',
        'sh',
        '-c',
        'ls -d /proc/1; id -u',
      ])
      assert.equal(stdout, '/proc/1\n1000\n', stderr)
      const drop = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
      assert.notEqual((await onChangedHost(hidden, [...drop, 'ls', '/proc/1'])).status, 0, 'it hides nothing')
    },
    needsRoot,
  )

  // the kernel's own refusal is the control: the same mount, made by a program that knows nothing of Glovebox
  const OWN_PROC = ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--mount-proc', 'true']
  const covered = 'mount -t tmpfs none /proc/irq'

  asEachUser(
    'partly covered: refused before anything starts, with what covers it',
    async (user) => {
      const { stdout, stderr, status } = await gloveboxOn(covered, user, ['run', '--', 'echo', 'it ran'])
      assert.deepEqual([status, stdout], [125, ''])
      assert.match(stderr, /no \/proc of its own while parts of this one are covered \(\/proc\/irq\)/)
      assert.notEqual((await onChangedHost(covered, OWN_PROC)).status, 0, 'the kernel allows it after all')
    },
    needsRoot,
  )

  const harmless = {
    'covered where nothing is': 'mount -t tmpfs none /proc/sys/fs/binfmt_misc',
    'partly covered, and whole elsewhere': `${covered}\nmount -t tmpfs none /mnt\nmkdir /mnt/proc\nmount -t proc proc /mnt/proc`,
  }
  for (const [what, setup] of Object.entries(harmless))
    test(`${what}: jobs run`, { skip }, async () => {
      const run = ['run', '--waive', 'limits.memory', '--', 'echo', 'it ran']
      assert.equal((await onChangedHost(setup, [...NODE, ...run])).stdout, 'it ran\n')
      assert.equal((await onChangedHost(setup, OWN_PROC)).status, 0)
    })
})

describe('user namespaces', () => {
  const inNamespace = (setup: string) => [
    ...['unshare', '--user', '--map-root-user', 'sh', '-c', `${setup}\nexec "$@"`, 'sh'],
    ...NODE,
    ...['run', '--waive', 'limits.memory', '--', 'id', '-u'],
  ]

  test('root of a small range of ids runs jobs, under its own uid', async () => {
    const { stdout, stderr } = await finished(inNamespace(':'), { cwd: '/' })
    assert.equal(stdout, '1000\n', stderr)
  })

  test('user.max_user_namespaces is 0: refused with the sysctl', async () => {
    const none = inNamespace('echo 0 > /proc/sys/user/max_user_namespaces')
    const { stdout, stderr, status } = await finished(none, { cwd: '/' })
    assert.deepEqual([status, stdout], [125, ''])
    assert.match(stderr, /`sysctl user\.max_user_namespaces=15000`/)
  })
})

describe('root without all of its rights', () => {
  const without = (capabilities: string, args: readonly string[]) =>
    finished(['setpriv', `--bounding-set=${capabilities}`, ...NODE, ...args], { cwd: '/' })

  test('who can’t change its uid, or can’t end what has another: refused', { skip }, async () => {
    for (const lacking of ['-setuid', '-setgid', '-kill', '-all']) {
      const { stdout, stderr, status } = await without(lacking, ['run', '--', 'id', '-u'])
      assert.deepEqual([status, stdout], [125, ''], lacking)
      assert.match(stderr, /This root lacks CAP_SETUID, CAP_SETGID and CAP_KILL/)
    }
  })

  test('who can’t show files as another’s: granted ones are read as far as everyone may', {
    skip,
  }, async (t) => {
    const folder = testFolder(t, 0o755)
    writeFileSync(join(folder, 'public'), 'for all\n')
    writeFileSync(join(folder, 'private'), 'for root\n')
    chmodSync(join(folder, 'private'), 0o600)
    const read = ['run', '--read', `${folder}:/in`, '--', 'cat', '/in/public', '/in/private']
    const { stdout, stderr, status } = await without('-sys_admin', read)
    assert.equal(stdout, 'for all\n', stderr)
    assert.equal(status, 1)
    assert.match(stderr, /private: Permission denied/)
    const control = await finished([...NODE, ...read], { cwd: '/' })
    assert.equal(control.stdout, 'for all\nfor root\n', 'with that right they are the job’s own')
    chmodSync(folder, 0o700)
    const closed = await without('-sys_admin', read)
    assert.deepEqual([closed.status, closed.stdout], [1, ''])
  })
})

describe('another system', () => {
  const pretend = (platform: string, args: readonly string[]) => {
    const fake = `Object.defineProperty(process, 'platform', { value: '${platform}' })`
    const require_ = `data:text/javascript,${encodeURIComponent(fake)}`
    return finished([process.execPath, '--import', require_, join(ROOT, 'bin/glovebox'), ...args], {
      cwd: '/',
    })
  }

  for (const [platform, instead] of [
    ['darwin', /On macOS: a Linux VM \(`limactl start`\), or a container/],
    ['win32', /On Windows: WSL 2 \(`wsl --install`\)/],
    ['freebsd', /in a Linux machine or VM/],
  ] as const)
    test(`${platform}: run is refused with what to use instead; policies can be checked`, async () => {
      const run = await pretend(platform, ['run', '--', 'echo', 'it ran'])
      assert.deepEqual([run.status, run.stdout], [125, ''])
      assert.match(run.stderr, /^glovebox: The boundary "process" can't run here: .* needs Linux\. /)
      assert.match(run.stderr, instead)
      assert.doesNotMatch(run.stderr, /\n {4}at /)
      const doctor = await pretend(platform, ['doctor'])
      assert.equal(doctor.status, 1)
      assert.match(doctor.stdout, instead)
      assert.equal((await pretend(platform, ['policy', 'schema'])).status, 0)
    })
})
