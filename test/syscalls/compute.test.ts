import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { adjustmentProblems, KEEPER_CALLS, STARTER_CALLS } from '../../src/syscalls/adjust.js'
import { gateBytes, keeperProfile } from '../../src/syscalls/gate.js'
import {
  ARCHES,
  compiledFilter,
  compiledKeeper,
  type FilterOptions,
  firstFilter,
  jobFilters,
  prebuiltKey,
  requirements,
  syscallFilter,
  syscallFilterBytes,
  syscallNames,
} from '../../src/syscalls/index.js'
import { PREBUILT } from '../../src/syscalls/prebuilt.js'
import { COMPUTE_ALLOWED, computeProfile } from '../../src/syscalls/profile-compute.js'
import { defaultProfile } from '../../src/syscalls/profile-default.js'
import type { Rule } from '../../src/syscalls/rule.js'
import { syscallNumbers } from '../../src/syscalls/table.js'
import { AUDIT_ARCH, interpret } from './interpreter.js'
import { ROOT, verdictOf } from './tools.js'

const PLAIN = { lock: null, deny: [], allow: [], inet: false, cpuPinned: false } as const
const OPTIONS: FilterOptions = { ...PLAIN, arch: 'x64', profile: 'compute' }
const COMPUTE = computeProfile(PLAIN)
const DEFAULT = defaultProfile(PLAIN)

const runs = (rule: Rule | undefined) =>
  rule !== undefined &&
  [rule.otherwise, ...rule.clauses.map(({ action }) => action)].some(({ kind }) => kind === 'allow')

describe('the compute profile', () => {
  test('is a part of the default one: what runs has the same checks, what that refuses has the same answer', () => {
    assert.deepEqual([...COMPUTE.rules.keys()], [...DEFAULT.rules.keys()])
    for (const [name, rule] of COMPUTE.rules) {
      if (runs(rule)) assert.deepEqual(rule, DEFAULT.rules.get(name), name)
      else if (!runs(DEFAULT.rules.get(name))) assert.deepEqual(rule, DEFAULT.rules.get(name), name)
      else assert.deepEqual(rule.clauses, [], name)
    }
    assert.deepEqual(COMPUTE.unlisted, DEFAULT.unlisted)
  })

  test('names each call once, and none that does not exist or does not run by default', () => {
    const listed = COMPUTE_ALLOWED.flatMap(({ calls }) => calls)
    assert.equal(new Set(listed).size, listed.length)
    assert.deepEqual(
      listed.filter((name) => !runs(DEFAULT.rules.get(name))),
      [],
    )
    assert.deepEqual(
      [...COMPUTE.rules]
        .filter(([, rule]) => runs(rule))
        .map(([name]) => name)
        .sort(),
      [...listed].sort(),
    )
  })

  test('has no socket of any family, type or protocol, whatever is granted', () => {
    for (const arch of ARCHES)
      for (const inet of [false, true])
        for (let family = 0; family < 64; family++)
          for (const type of [1, 2, 3, 5, 10, 0x80801])
            for (const name of ['socket', 'socketpair'])
              assert.equal(verdictOf(arch, name, [family, type, 0], { profile: 'compute', inet }), 'errno 97')
    for (const name of ['connect', 'bind', 'listen', 'accept4', 'sendmsg', 'recvmsg', 'getsockopt'])
      assert.equal(verdictOf('x64', name, [], { profile: 'compute' }), 'errno 88', name)
  })

  test('has one way to execute, which the gate asks about: execveat is not there', () => {
    for (const arch of ARCHES) {
      assert.equal(verdictOf(arch, 'execveat', [], { profile: 'compute' }), 'errno 38')
      assert.equal(verdictOf(arch, 'execve', [], { profile: 'compute' }), 'allow')
    }
  })

  test('the gate asks about execve, lets everything else be, and kills other ABIs', () => {
    for (const arch of ARCHES)
      for (let number = 0; number < 5000; number++) {
        const says = interpret(gateBytes(OPTIONS, arch), { arch: AUDIT_ARCH[arch], number, args: [] })
        assert.equal(says, number === syscallNumbers(arch).get('execve') ? 'ask' : 'allow', `${number}`)
      }
    assert.equal(
      interpret(gateBytes(OPTIONS, 'x64'), { arch: AUDIT_ARCH.i386, number: 11, args: [] }),
      'kill',
    )
    assert.equal(
      interpret(gateBytes(OPTIONS, 'x64'), { arch: AUDIT_ARCH.x64, number: 0x40000208, args: [] }),
      'kill',
    )
  })

  test('lets the job’s first process execute its program, or say why it can’t and exit', () => {
    for (const name of STARTER_CALLS)
      for (const arch of ARCHES) assert.equal(verdictOf(arch, name, [], { profile: 'compute' }), 'allow')
  })

  test('counts as docs/syscalls.md does', () => {
    const { allowed, known, bytes } = syscallFilter(OPTIONS)
    const said = `${allowed} of ${known} named calls run under \`compute\``
    assert.ok(readFileSync(join(ROOT, 'docs', 'syscalls.md'), 'utf8').includes(said), said)
    assert.ok(bytes.length / 8 <= 4096)
  })
})

describe('what the policy changes of it', () => {
  const problems = (allow: string[], deny: string[] = []) =>
    adjustmentProblems({ deny, allow }, { cpuPinned: false, lock: null, profile: 'compute' }).map(
      ({ path, code }) => `${path} ${code}`,
    )

  test('no socket and no exec can be allowed back', () => {
    const allow = ['execve', 'execveat', 'socket', 'socketpair', 'io_uring_setup']
    assert.deepEqual(
      problems(allow),
      allow.map((_, index) => `syscalls.allow[${index}] syscalls.promised`),
    )
    assert.deepEqual(problems([], [...STARTER_CALLS, 'clone']).length, STARTER_CALLS.length)
    assert.deepEqual(
      adjustmentProblems(
        { deny: [], allow: ['execveat'] },
        { cpuPinned: false, lock: null, profile: 'default' },
      ),
      [],
    )
  })

  test('an allowed call passes both filters, and is warned about; a denied one is refused to the job alone', () => {
    const options: FilterOptions = { ...OPTIONS, allow: ['chown', 'ptrace'], deny: ['mlock'] }
    const number = (name: string) => syscallNumbers('x64').get(name) ?? assert.fail(name)
    const says = (program: Uint8Array, name: string) =>
      interpret(program, { arch: AUDIT_ARCH.x64, number: number(name), args: [] })
    const first = firstFilter(options)
    const { filter } = jobFilters(options) ?? assert.fail()
    for (const name of options.allow)
      assert.deepEqual([says(first, name), says(filter, name)], ['allow', 'allow'])
    assert.deepEqual([says(first, 'mlock'), says(filter, 'mlock')], ['allow', 'errno 1'])
    assert.deepEqual(syscallFilter(options).warnings, [
      'syscalls.allow: chown opens what the compute profile leaves out',
      'syscalls.allow: ptrace opens the memory of every process of the job’s uid that is dumpable',
    ])
  })
})

describe('the filter of the sandbox’s first process under compute', () => {
  const keeper = keeperProfile()

  test('is the default profile, but for what sets and answers a gate', () => {
    const differs = [...keeper.rules].filter(([name, rule]) => {
      try {
        assert.deepEqual(rule, DEFAULT.rules.get(name))
        return false
      } catch {
        return true
      }
    })
    assert.deepEqual(
      differs.map(([name]) => name),
      ['seccomp', 'ioctl'],
    )
  })

  test('lets it set a gate and answer; the job, under its own filter, can do neither', () => {
    const program = compiledKeeper({ arch: 'x64', allow: [] })
    for (const [name, args] of [
      ['seccomp', [1, 0x8]],
      ['seccomp', [1, 0x28]],
      ['ioctl', [5, 0xc0502100]],
      ['ioctl', [5, 0xc0182101]],
    ] as const) {
      const number = syscallNumbers('x64').get(name) ?? assert.fail(name)
      const call = { arch: AUDIT_ARCH.x64, number, args: args.map(BigInt) }
      assert.equal(interpret(program, call), 'allow', `${name} ${args.join()}`)
      for (const profile of ['default', 'compute'] as const)
        assert.match(verdictOf('x64', name, args, { profile }), /errno (22|25)/)
    }
    for (const name of KEEPER_CALLS)
      if (syscallNumbers('x64').has(name)) assert.ok(runs(keeper.rules.get(name)), name)
  })
})

describe('the door', () => {
  test('what is compiled ahead is what the compiler gives', () => {
    for (const arch of ARCHES) {
      assert.deepEqual(
        Buffer.from(firstFilter({ ...OPTIONS, arch })),
        Buffer.from(compiledKeeper({ arch, allow: [] })),
      )
      for (const cpuPinned of [false, true])
        for (const hostFolders of [false, true]) {
          const options = { ...OPTIONS, arch, cpuPinned, hostFolders }
          assert.ok(Object.hasOwn(PREBUILT, prebuiltKey(options)), 'node scripts/syscall-filters.mjs')
          assert.deepEqual(Buffer.from(syscallFilterBytes(options)), Buffer.from(compiledFilter(options)))
        }
    }
  })

  test('a default job is given one filter, a compute job three', () => {
    const plain: FilterOptions = { ...OPTIONS, profile: 'default' }
    assert.equal(jobFilters(plain), null)
    assert.deepEqual(Buffer.from(firstFilter(plain)), Buffer.from(syscallFilterBytes(plain)))
    assert.ok((jobFilters(OPTIONS)?.gate.length ?? 0) > 0)
  })

  test('its promises are made under compute alone', () => {
    for (const profile of ['default', 'compute'] as const) {
      const made = requirements({ syscalls: { profile, lock: null, deny: [], allow: [] } })
      assert.deepEqual(
        made.map(({ id, applies }) => `${id} ${applies}`),
        [
          'profile true',
          'native-abi-only true',
          `no-sockets ${profile === 'compute'}`,
          `no-exec ${profile === 'compute'}`,
          'lock false',
        ].map((text) => `syscalls.${text}`),
      )
    }
    assert.ok(syscallNames('x64').length > 300)
  })
})
