import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PolicyError } from '../../src/errors/index.js'
import { adjustmentProblems, syscallFilter } from '../../src/syscalls/index.js'
import { verdictOf } from './tools.js'

const PLAIN = {
  arch: 'x64',
  profile: 'default',
  lock: null,
  deny: [],
  allow: [],
  inet: false,
  cpuPinned: false,
} as const

function codes(
  deny: readonly string[],
  allow: readonly string[],
  cpuPinned = false,
  profile: 'default' | 'compute' = 'default',
): readonly string[] {
  return adjustmentProblems({ deny, allow }, { cpuPinned, lock: null, profile }).map(
    ({ path, code }) => `${path} ${code}`,
  )
}

test('a denied call is refused with EPERM, an allowed one runs whatever its arguments', () => {
  assert.equal(verdictOf('x64', 'mlock', [], { deny: ['mlock'] }), 'errno 1')
  assert.equal(verdictOf('x64', 'ptrace', [], { allow: ['ptrace'] }), 'allow')
  assert.equal(verdictOf('x64', 'ioctl', [0, 0x5412], { allow: ['ioctl'] }), 'allow')
})

test('a name that doesn’t exist is a problem at its place, with the nearest name', () => {
  const [first, second] = adjustmentProblems({ deny: ['mlock', 'ptrce'], allow: ['no-such'] }, PLAIN)
  assert.equal(first?.path, 'syscalls.deny[1]')
  assert.equal(first?.code, 'syscalls.unknownName')
  assert.match(first?.advice ?? '', /"ptrace"/)
  assert.equal(second?.path, 'syscalls.allow[0]')
})

test('a name of another architecture is fine: one policy for all', () => {
  assert.deepEqual(codes(['open', 'modify_ldt'], []), [])
  assert.doesNotThrow(() => syscallFilter({ ...PLAIN, arch: 'arm64', deny: ['symlink'] }))
})

test('a hostile name is neither found nor slow: prototypes, 1 MB of letters, newlines', () => {
  const names = ['__proto__', 'constructor', 'toString', 'a'.repeat(1_000_000), 'read\n', '', 'READ']
  assert.equal(codes(names, []).length, names.length)
  assert.ok(
    adjustmentProblems({ deny: names, allow: [] }, PLAIN).every(({ what }) => /^.{1,100}$/.test(what)),
  )
  assert.match(adjustmentProblems({ deny: ['READ'], allow: [] }, PLAIN)[0]?.advice ?? '', /"read"/)
})

test('both allowed and denied is a contradiction, not a choice of ours', () => {
  assert.deepEqual(codes(['ptrace'], ['ptrace']), ['syscalls.allow[0] syscalls.contradiction'])
})

test('what the sandbox’s own pid 1 needs can’t be denied', () => {
  assert.deepEqual(codes(['execve', 'exit_group'], []), [
    'syscalls.deny[0] syscalls.neededInside',
    'syscalls.deny[1] syscalls.neededInside',
  ])
})

test('allowing what is dangerous says what it opens; allowing what runs anyway says nothing', () => {
  const { warnings } = syscallFilter({ ...PLAIN, allow: ['clone3', 'bpf', 'chmod', 'read', 'bpf'] })
  assert.equal(warnings.length, 3)
  assert.match(warnings[0] ?? '', /clone3 opens new user namespaces/)
  assert.match(warnings[1] ?? '', /bpf opens what the default profile refuses under “Code in the kernel/)
  assert.match(warnings[2] ?? '', /chmod loses the check/)
})

test('the door refuses what has problems, with all of them', () => {
  assert.throws(
    () => syscallFilter({ ...PLAIN, deny: ['ptrce'], allow: ['socket'] }),
    (error) => error instanceof PolicyError && error.problems.length === 2,
  )
})
