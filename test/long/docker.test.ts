/**
 * Glovebox inside containers of a real Docker: what each flag is for, that the advised ones suffice, and that with them a
 * job is as contained as anywhere. The attack: a container that is opened further than a sandbox needs.
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ROOT, sharedFolder } from '../support/checkout.js'
import { Docker } from '../support/dockerd.js'
import type { Finished } from '../support/spawned.js'

const FILTER = ['--security-opt', `seccomp=${join(ROOT, 'etc/container-seccomp.json')}`]
const UNMASKED = ['--security-opt', 'systempaths=unconfined']
const USER = ['--user', '1000']
const ADVISED = [...USER, ...FILTER, ...UNMASKED]
const GLOVEBOX = '/opt/glovebox/bin/glovebox'

// not in a hook: whether there is a Docker decides what is skipped
const folder = sharedFolder()
const started = await Docker.start(folder)
const skip = typeof started === 'string' ? started : false
const docker = started as Docker
after(async () => {
  if (skip === false) await docker.stop()
  rmSync(folder, { recursive: true, force: true })
})

const job = (...command: readonly string[]) => [GLOVEBOX, 'run', '--waive', 'limits.memory', '--', ...command]

function assertRuns({ stdout, stderr, status }: Finished, what = ''): void {
  assert.equal(stdout, '1000\n', `${what}: ${stderr}`)
  assert.equal(status, 0)
}

function assertRefused({ stdout, stderr, status }: Finished, why: RegExp): void {
  assert.deepEqual([status, stdout], [125, ''], stderr)
  assert.match(stderr, why)
}

describe('a container', { skip }, () => {
  test('without flags: refused, and the flags that it names are enough', async () => {
    for (const user of ['0', '1000']) {
      const refused = await docker.run(['--user', user], job('id', '-u'))
      assertRefused(refused, /parts of this one are covered \(\/proc\//)
      const advised = /`docker run (.*) …`, the file being \/opt\/glovebox\/etc\/container-seccomp\.json/
      const flags = (advised.exec(refused.stderr)?.[1] ?? assert.fail(refused.stderr))
        .replace('container-seccomp.json', join(ROOT, 'etc/container-seccomp.json'))
        .split(' ')
      // as the advice is given to whoever has it: an ordinary user is not told to become one
      assertRuns(await docker.run(user === '0' ? flags : ['--user', user, ...flags], job('id', '-u')), user)
    }
  })

  test('with one of the two flags only: refused', async () => {
    assertRefused(await docker.run([...USER, ...FILTER], job('id', '-u')), /parts of this one are covered/)
    assertRefused(
      await docker.run([...USER, ...UNMASKED], job('id', '-u')),
      /namespaces \(unshare\): Operation not permitted\. Start the container by `docker run .*seccomp=/,
    )
  })

  test('with the flags, nothing else is needed: no capability, no new privileges, no writable root', async () => {
    const less = ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--read-only']
    assertRuns(await docker.run([...ADVISED, ...less], job('id', '-u')))
  })

  test('as root: works with three capabilities, and is refused without', async () => {
    const root = [...FILTER, ...UNMASKED, '--cap-drop', 'ALL']
    assertRefused(
      await docker.run(root, job('id', '-u')),
      /This root lacks CAP_SETUID, CAP_SETGID and CAP_KILL/,
    )
    const rights = ['SETUID', 'SETGID', 'KILL'].flatMap((name) => ['--cap-add', name])
    assertRuns(await docker.run([...root, ...rights], job('id', '-u')))
    const ended = await docker.run(
      [...root, ...rights],
      [GLOVEBOX, 'run', '--waive', 'limits.memory', '--deadline', '1s', '--', 'sleep', '60'],
    )
    assert.equal(ended.status, 124, ended.stderr)
  })

  test('memory: the refusal names what gives a container cgroups', async () => {
    const refused = await docker.run(ADVISED, [GLOVEBOX, 'run', '--', 'id', '-u'])
    assertRefused(
      refused,
      /limits\.memory can't be enforced here: .*writable-cgroups=true.*`--waive limits\.memory`/,
    )
  })

  test('grants: of a volume, and of the container’s own root', async () => {
    for (const user of ['0', '1000']) {
      const flags = [...FILTER, ...UNMASKED, '--user', user, '--volume', `${join(ROOT, 'policies')}:/in:ro`]
      for (const path of ['/in', '/opt/glovebox/policies']) {
        const args = ['run', '--waive', 'limits.memory', '--read', path, '--', 'ls', path]
        const { stdout, stderr } = await docker.run(flags, [GLOVEBOX, ...args])
        assert.match(stdout, /^imagemagick\.yaml$/m, `${user}, ${path}: ${stderr}`)
      }
    }
  })

  test('doctor says where it is, what is missing, and the flags', async () => {
    const { stdout, status } = await docker.run([], [GLOVEBOX, 'doctor'])
    assert.equal(status, 1)
    assert.match(
      stdout,
      /^note {5}host: Inside a Docker container: .*a system call filter.*parts of \/proc covered/m,
    )
    assert.match(
      stdout,
      /^MISSING {2}boundary process: .*\n.*`docker run --user 1000 --security-opt seccomp=/m,
    )
    const json = JSON.parse((await docker.run(ADVISED, [GLOVEBOX, 'doctor', '--json'])).stdout)
    const named = (name: string) => json.find((finding: { name: string }) => finding.name === name)
    assert.match(named('host').what, /^Inside a Docker container/)
    assert.equal(named('boundary process').status, 'good')
  })
})

describe('a job in a container', { skip }, () => {
  const attack = async (
    flags: readonly string[],
    argv: (name: string) => readonly string[],
    attempt: string,
  ) => {
    const { stdout, stderr } = await docker.run(flags, argv(attempt))
    return stdout.split('\t')[1] ?? assert.fail(`${attempt}: ${stdout}${stderr}`)
  }
  const inJob = (attempt: string) => job('attack', attempt)
  const inContainer = (attempt: string) => ['attack', attempt]
  const OPEN = ['--security-opt', 'seccomp=unconfined', ...UNMASKED]

  /** attempt: what the container itself is given instead, for the control */
  const ATTEMPTS: Readonly<Record<string, readonly string[]>> = {
    'read,/opt/glovebox/package.json': ADVISED,
    'read,/root/private': OPEN,
    'write,/proc/sys/kernel/core_pattern': OPEN,
    'create,/usr': OPEN,
    'unshare,10000000': ADVISED,
    'socket,2,1,0': ADVISED,
    'list,/sys': ADVISED,
  }
  for (const [attempt, control] of Object.entries(ATTEMPTS))
    test(`${attempt}: not from inside, whoever started it`, async () => {
      assert.equal(await attack(control, inContainer, attempt), 'ok', 'the control')
      for (const user of ['0', '1000'])
        assert.notEqual(await attack([...FILTER, ...UNMASKED, '--user', user], inJob, attempt), 'ok', user)
    })
})

describe('the container itself, with the advised flags', { skip }, () => {
  const attempts = async (flags: readonly string[], ...all: readonly string[]) => {
    const { stdout } = await docker.run(flags, ['attack', ...all])
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[1])
  }

  // NEWNET, NEWNS; AF_ALG, AF_VSOCK; a mount
  const CLOSED = ['unshare,40000000', 'unshare,20000', 'socket,38,5,0', 'mount,/tmp']

  test('has no namespace, mount or socket that Docker’s own profile would not allow, but for new user namespaces', async () => {
    const privileged = ['--cap-add', 'SYS_ADMIN']
    const open = await attempts(
      [...privileged, '--security-opt', 'seccomp=unconfined'],
      ...CLOSED,
      'unshare,10000000',
    )
    assert.deepEqual(open.slice(0, 2), ['ok', 'ok'], 'the control: the kernel allows it')
    const advised = await attempts(ADVISED, ...CLOSED, 'unshare,10000000')
    assert.ok(
      advised.slice(0, 4).every((result) => result !== 'ok'),
      `${advised}`,
    )
    assert.equal(advised[4], 'ok')
    const [network, mounts] = await attempts([...privileged, ...FILTER], ...CLOSED)
    assert.deepEqual(
      [network, mounts],
      ['EPERM', 'EPERM'],
      'by the filter itself, not for want of a capability',
    )
    const [plain] = await attempts(USER, 'unshare,10000000')
    assert.equal(plain, 'EPERM', 'Docker’s own profile')
  })

  test('an ordinary user in it can’t write the host’s settings, and root can: why --user is advised', async () => {
    const pattern = [
      'sh',
      '-c',
      'v=$(cat /proc/sys/kernel/core_pattern); echo "$v" > /proc/sys/kernel/core_pattern',
    ]
    assert.notEqual((await docker.run(ADVISED, pattern)).status, 0)
    assert.equal((await docker.run(['--cap-drop', 'ALL', ...UNMASKED], pattern)).status, 0)
    const { stdout } = await docker.run([...FILTER, ...UNMASKED], [GLOVEBOX, 'doctor'])
    assert.match(stdout, /^note {5}container: Root in this container is the host's root.*\n.*`--user 1000`/m)
    assert.doesNotMatch((await docker.run(ADVISED, [GLOVEBOX, 'doctor'])).stdout, /^note {5}container:/m)
  })
})

describe('a privileged container', { skip }, () => {
  let without = ''
  before(async () => {
    const { status, stderr } = await docker.run(['--privileged'], ['true'])
    if (status !== 0) without = `Docker can't make one here: ${stderr.trim()}`
  })

  test('limits.memory holds by the container’s own cgroups', async (t) => {
    if (without !== '') return t.skip(without)
    assertRuns(await docker.run(['--privileged'], [GLOVEBOX, 'run', '--', 'id', '-u']))
    return undefined
  })
})
