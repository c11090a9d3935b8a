/**
 * runc itself sets the filter: in a container of it the kernel answers as our own program would, and what it set is read back
 * from the kernel.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, type TestContext } from 'node:test'
import { adjustmentProblems } from '../../src/syscalls/adjust.js'
import { compileFilter } from '../../src/syscalls/compile.js'
import { type Arch, type OciSeccomp, ociSeccomp } from '../../src/syscalls/index.js'
import { RUNTIME_CALLS } from '../../src/syscalls/oci.js'
import { firstProfile } from '../../src/syscalls/profiles.js'
import { syscallNumbers } from '../../src/syscalls/table.js'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachUser, type TestUser } from '../support/users.js'
import { AUDIT_ARCH, interpret } from './interpreter.js'
import { plain, SETTINGS, sameAnswers } from './oci-answers.js'
import { HAS_LIBSECCOMP, referenceTool } from './reference.js'
import { runcReads } from './runc-reads.js'
import { compileTool } from './tools.js'

const ARCH: Arch = process.arch === 'arm64' ? 'arm64' : 'x64'
const HAS_RUNC = spawnSync('runc', ['--version']).status === 0
const SIGSYS = 31
const JUNK = 0xdead_beefn << 32n

interface Attempt {
  readonly call: string
  readonly number: number
  readonly args: readonly bigint[]
}

const attempt = (call: string, ...args: readonly (number | bigint)[]): Attempt => ({
  call,
  number: syscallNumbers(ARCH).get(call) ?? assert.fail(call),
  args: Array.from({ length: 6 }, (_, index) => BigInt(args[index] ?? 0)),
})

/** None gets the same answer outside of a container. Pointers are null. */
const ATTACKS = [
  attempt('unshare', 0x1000_0000),
  attempt('ptrace'),
  attempt('socket', 16, 3, 0),
  attempt('ioctl', 0, 0x5412n | JUNK),
  attempt('prctl', 25),
  attempt('prctl', 25n | JUNK),
  attempt('personality', 0x40_0000),
  attempt('fchmodat', -100, 0, 0o4755n | JUNK),
  attempt('openat', -100, 0, 0o100, 0o4755),
  attempt('prlimit64', 0, 4, 8),
  attempt('prlimit64', 0, 4, 1n << 32n),
  attempt('setsockopt', -1, 1, 26),
  attempt('memfd_create', 0, 4),
  attempt('openat2', -100),
]

/** Each of them also runs outside. */
const FINE = [
  attempt('getpid'),
  attempt('ioctl', 1, 0x5451),
  attempt('prctl', 3),
  attempt('personality', 0xffff_ffff),
  attempt('prlimit64', 0, 4),
  attempt('sched_yield'),
]

/** How a process dies that uses another ABI's numbers: 20 is getpid of i386. */
const OTHER_ABIS: readonly Attempt[] =
  ARCH === 'x64'
    ? [
        { call: 'i386', number: 20 + 2 ** 32, args: attempt('getpid').args },
        { call: 'x32', number: 39 + 2 ** 30, args: attempt('getpid').args },
      ]
    : []

const argvOf = (attempts: readonly Attempt[]) =>
  attempts.flatMap(({ call, number, args }) => [call, ...[number, ...args].map(String)])

describe('a container that runc starts under the form for runtimes', {
  skip: HAS_RUNC ? !HAS_LIBSECCOMP && 'no C compiler or no libseccomp-dev' : 'runc is not installed',
}, () => {
  const inside = compileTool('inside', '-static')
  const filters = compileTool('filters')
  const reader = referenceTool()
  for (const [label, setting] of Object.entries(SETTINGS))
    asEachUser(`${label}: the kernel answers as the exact program would`, async (user, t) => {
      const options = { ...plain(ARCH), ...setting }
      const first = firstProfile(options)
      const exact = compileFilter(first, ARCH)
      const expected = (each: Attempt) => {
        const verdict = interpret(exact, { ...each, arch: AUDIT_ARCH[ARCH] })
        return `${each.call} ${verdict === 'allow' ? 'runs' : verdict}`
      }
      const container = await started(t, user, inside, ociSeccomp(options), [
        ...ATTACKS,
        ...FINE,
        ...OTHER_ABIS,
      ])
      const answers = await container.answers
      const outside = await finished([inside, ...argvOf([...ATTACKS, ...FINE])])
      const control = outside.stdout.split('\n')
      ATTACKS.forEach((each, index) => {
        const wanted = expected(each)
        // what a policy allows is the kernel's to answer
        if (wanted.endsWith('runs')) return
        assert.equal(answers[index], wanted)
        assert.notEqual(answers[index], control[index], 'outside it is answered by the kernel')
      })
      assert.deepEqual(
        answers.slice(ATTACKS.length, ATTACKS.length + FINE.length),
        FINE.map(({ call }) => `${call} runs`),
      )
      assert.deepEqual(
        answers.slice(ATTACKS.length + FINE.length),
        OTHER_ABIS.map(({ call }) => `${call} signal ${SIGSYS}`),
      )
      if (process.geteuid?.() === 0) {
        const program = readBack(t, filters, await container.pid())
        const { unknown } = runcReads(reader, ARCH, ociSeccomp(options))
        if (program !== null) sameAnswers(program, ARCH, first, unknown, true)
      }
    })

  asEachUser(
    'with that part left out, a call by another ABI runs: it is the filter that refuses it',
    async (user, t) => {
      if (ARCH !== 'x64') return t.skip('x86_64 only')
      const options = { ...plain(ARCH), missing: ['abi'] as const }
      const container = await started(t, user, inside, ociSeccomp(options), OTHER_ABIS.slice(0, 1))
      assert.deepEqual(await container.answers, ['i386 runs'])
    },
  )

  asEachUser('starts although a policy denies all that one can deny', async (user, t) => {
    const options = { ...plain(ARCH), deny: [] as readonly string[] }
    const deny = [...syscallNumbers(ARCH).keys()].filter(
      (name) => adjustmentProblems({ deny: [name], allow: [] }, options).length === 0,
    )
    const known = RUNTIME_CALLS.filter((name) => syscallNumbers(ARCH).has(name))
    assert.ok(known.every((name) => deny.includes(name)))
    const container = await started(t, user, inside, ociSeccomp({ ...options, deny }), [
      attempt('clock_gettime', 1, 0),
      attempt('sysinfo'),
    ])
    assert.deepEqual(await container.answers, ['clock_gettime errno 14', 'sysinfo errno 1'])
  })
})

/** The container's program says what it was answered, and waits until the test is over. */
async function started(
  t: TestContext,
  user: TestUser,
  program: string,
  seccomp: OciSeccomp,
  attempts: readonly Attempt[],
) {
  let end = async () => {}
  // before the folder, in which runc keeps what it knows of the container, is removed
  t.after(() => end())
  const folder = testFolder(t, 0o755)
  const uid = user.isRoot || process.geteuid?.() !== 0 ? (process.geteuid?.() ?? 0) : 65534
  const [bundle, state] = [join(folder, 'bundle'), join(folder, 'state')]
  for (const path of [bundle, state, join(bundle, 'rootfs')]) mkdirSync(path)
  for (const path of ['dev', 'proc']) mkdirSync(join(bundle, 'rootfs', path))
  if (statSync(state).uid !== uid) chownSync(state, uid, uid)
  copyFileSync(program, join(bundle, 'rootfs', 'inside'))
  chmodSync(join(bundle, 'rootfs', 'inside'), 0o755)
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config(uid, seccomp, argvOf(attempts))))
  const id = `glovebox-test-${process.pid}-${Date.now().toString(36)}`
  const runc = ['runc', '--root', state]
  const [file = '', ...args] = user.as([...runc, 'run', '--bundle', bundle, id])
  const child = spawn(file, args, { cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  end = async () => {
    child.stdin.end()
    await ended
  }
  return {
    answers: said(child),
    pid: async () => {
      const [file = '', ...args] = user.as([...runc, 'state', id])
      return Number(JSON.parse(execFileSync(file, args, { encoding: 'utf8', cwd: '/' })).pid)
    },
  }
}

async function said(child: ReturnType<typeof spawn>): Promise<readonly string[]> {
  const errors: string[] = []
  child.stderr?.on('data', (part) => errors.push(String(part)))
  const lines: string[] = []
  if (child.stdout)
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'done') return lines
      lines.push(line)
    }
  return assert.fail(`the container ended: ${errors.join('')}`)
}

/** The least that runc starts, with a user namespace, so that an ordinary user can. */
function config(uid: number, seccomp: OciSeccomp, argv: readonly string[]) {
  const mapping = [{ containerID: 0, hostID: uid, size: 1 }]
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ['/inside', ...argv],
      cwd: '/',
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
    ],
    linux: {
      namespaces: ['user', 'mount', 'pid', 'ipc', 'uts', 'network'].map((type) => ({ type })),
      uidMappings: mapping,
      gidMappings: mapping,
      seccomp,
    },
  }
}

/** `null` where the kernel shows nobody's filters, or where this suite is under one itself. */
function readBack(t: TestContext, tool: string, pid: number): Uint8Array | null {
  const { status, stdout, stderr } = spawnSync(tool, [`${pid}`])
  if (status === 0) return stdout
  t.diagnostic(`the filter can't be read back here: ${stderr}`)
  return null
}
