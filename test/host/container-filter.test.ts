/** etc/container-seccomp.json: what it opens beyond Docker's own profile is a list that a reader can judge, and no more. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ROOT } from '../support/checkout.js'
import { DOCKER_ALLOWED } from '../syscalls/docker-profile.js'

interface Rule {
  readonly names: readonly string[]
  readonly action: string
  readonly errnoRet?: number
  readonly args?: readonly { index: number; op: string; value: number; valueTwo: number }[]
}

const profile = JSON.parse(readFileSync(join(ROOT, 'etc/container-seccomp.json'), 'utf8'))
const rules: readonly Rule[] = profile.syscalls
const allowed = rules.filter(({ action }) => action === 'SCMP_ACT_ALLOW')
const always = allowed.filter(({ args }) => args === undefined).flatMap(({ names }) => names)

const compare: Readonly<Record<string, (argument: number, value: number, valueTwo: number) => boolean>> = {
  SCMP_CMP_EQ: (argument, value) => argument === value,
  SCMP_CMP_LT: (argument, value) => argument < value,
  SCMP_CMP_GT: (argument, value) => argument > value,
  SCMP_CMP_MASKED_EQ: (argument, mask, value) => (argument & mask) >>> 0 === value,
}

/** What is answered to a call with this first argument. */
const allows = (name: string, argument: number) =>
  allowed.some(
    ({ names, args = [] }) =>
      names.includes(name) &&
      args.every(({ index, op, value, valueTwo }) => {
        assert.equal(index, 0)
        return compare[op]?.(argument, value, valueTwo) ?? assert.fail(op)
      }),
  )

/** sched.h */
const [NEWNS, NEWNET, NEWUSER, NEWPID] = [0x20000, 0x40000000, 0x10000000, 0x20000000]

describe('the filter for containers', () => {
  test('refuses what it does not name, in a form that Docker and the kubelet’s runtimes both read', () => {
    assert.deepEqual([profile.defaultAction, profile.defaultErrnoRet], ['SCMP_ACT_ERRNO', 1])
    assert.deepEqual(profile.architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'])
    assert.equal(profile.archMap, undefined, 'which only Docker knows')
  })

  test('allows what Docker allows, and eight calls that need a namespace of one’s own', () => {
    const byArgument = ['clone', 'personality', 'socket']
    const more = always.filter((name) => !DOCKER_ALLOWED.includes(name))
    // chroot: of a capability that Docker's containers have
    const own = [
      'mount',
      'mount_setattr',
      'move_mount',
      'open_tree',
      'pivot_root',
      'setdomainname',
      'sethostname',
      'umount2',
    ]
    assert.deepEqual(more.sort(), ['chroot', ...own].sort())
    const less = DOCKER_ALLOWED.filter((name) => !always.includes(name))
    assert.deepEqual([...less].sort(), byArgument)
  })

  test('new namespaces only with a new user namespace', () => {
    for (const call of ['clone', 'unshare']) {
      assert.equal(allows(call, NEWUSER), true)
      assert.equal(allows(call, NEWUSER | NEWNS | NEWNET | NEWPID), true)
      for (const flag of [NEWNS, NEWNET, NEWPID, NEWNS | NEWNET])
        assert.equal(allows(call, flag), false, `${flag}`)
    }
    assert.equal(allows('clone', 17), true, 'a plain fork')
    const [clone3] = rules.filter(({ names }) => names.includes('clone3'))
    assert.deepEqual([clone3?.action, clone3?.errnoRet], ['SCMP_ACT_ERRNO', 38], 'its flags can’t be seen')
  })

  test('no AF_ALG and no AF_VSOCK', () => {
    assert.deepEqual(
      [1, 2, 10, 16, 37, 38, 39, 40, 41].filter((family) => !allows('socket', family)),
      [38, 40],
    )
  })

  test('none of the calls that a sandbox must never have', () => {
    for (const name of [
      'bpf',
      'io_uring_setup',
      'perf_event_open',
      'setns',
      'kexec_load',
      'init_module',
      'keyctl',
      'userfaultfd',
    ])
      assert.equal(always.includes(name), false, name)
  })
})
