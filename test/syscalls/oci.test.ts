/** The filter that a container runtime sets is the filter that the job has, in every answer that libseccomp can give. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { isGated } from '../../src/syscalls/gate.js'
import {
  dockerSeccomp,
  FILTER_PARTS,
  type OciSeccomp,
  ociJobSeccomp,
  ociSeccomp,
} from '../../src/syscalls/index.js'
import { ociForm, RUNTIME_CALLS } from '../../src/syscalls/oci.js'
import { firstProfile, jobProfile } from '../../src/syscalls/profiles.js'
import { ALLOW, ASK, always, errno, isNoneOf, isOneOf, type Profile } from '../../src/syscalls/rule.js'
import { ARCHES, type Arch, syscallNumbers } from '../../src/syscalls/table.js'
import { plain, SETTINGS, sameAnswers } from './oci-answers.js'
import { HAS_LIBSECCOMP, referenceTool, UNKNOWN_TO_2_5_4 } from './reference.js'
import { RUNCS, runcReads } from './runc-reads.js'
import { ROOT } from './tools.js'

describe('libseccomp, told as runc tells it, makes the same filter', {
  skip: !HAS_LIBSECCOMP && 'no C compiler or no libseccomp-dev',
}, () => {
  const tool = referenceTool()

  for (const arch of ARCHES)
    for (const [label, setting] of Object.entries(SETTINGS)) {
      const options = { ...plain(arch), ...setting }
      test(`${label} on ${arch}: the job's own`, () => {
        libseccompSays(tool, arch, jobProfile(options), ociJobSeccomp(options))
      })
      if (isGated(options))
        test(`${label} on ${arch}: the one before it`, () => {
          libseccompSays(tool, arch, firstProfile(options), ociSeccomp(options))
        })
    }

  test('and so it does when a test has left out a part of the filter', () => {
    for (const part of FILTER_PARTS.filter((each) => each !== 'all' && each !== 'abi')) {
      const options = { ...plain('x64'), inet: true, missing: [part] }
      libseccompSays(tool, 'x64', firstProfile(options), ociSeccomp(options))
    }
  })
})

function libseccompSays(tool: string, arch: Arch, profile: Profile, oci: OciSeccomp): void {
  for (const version of RUNCS) {
    const { program, unknown } = runcReads(tool, arch, oci, version)
    assert.deepEqual(
      unknown.filter((name) => !UNKNOWN_TO_2_5_4.includes(name)),
      [],
    )
    sameAnswers(program, arch, profile, unknown)
  }
}

describe('the form for container runtimes', () => {
  for (const arch of ARCHES) {
    test(`of the default profile on ${arch} is what it was`, () => {
      const path = join(ROOT, 'test', 'syscalls', 'golden', `oci-default-${arch}.json`)
      const form = ociSeccomp(plain(arch))
      if (process.env.GLOVEBOX_GOLDEN === 'write') writeFileSync(path, `${JSON.stringify(form, null, 2)}\n`)
      assert.deepEqual(form, JSON.parse(readFileSync(path, 'utf8')))
    })

    test(`answers every call by its name on ${arch}: nothing that has one is left to the default`, () => {
      for (const setting of Object.values(SETTINGS)) {
        const { syscalls } = ociSeccomp({ ...plain(arch), ...setting })
        const named = new Set(syscalls.flatMap(({ names }) => names))
        assert.deepEqual([...named].sort(), [...syscallNumbers(arch).keys()].sort())
      }
    })

    test(`says no to numbers without a name as a kernel without them would, and names one ABI, on ${arch}`, () => {
      const { defaultAction, defaultErrnoRet, architectures, ...rest } = ociSeccomp(plain(arch))
      assert.deepEqual([defaultAction, defaultErrnoRet], ['SCMP_ACT_ERRNO', 38])
      assert.deepEqual(architectures, [arch === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64'])
      // runc 1.1 refuses flags and a listener
      assert.deepEqual(Object.keys(rest), ['syscalls'])
    })
  }

  test('Docker reads the same, and finds nothing in it to add to', () => {
    const read = JSON.parse(dockerSeccomp(plain('x64')))
    assert.deepEqual(read, ociSeccomp(plain('x64')))
    // vendor/github.com/moby/profiles/seccomp: what makes the engine add ABIs, and rules by condition
    assert.equal('archMap' in read, false)
    for (const each of read.syscalls) {
      const known = ['names', 'action', 'errnoRet', 'args']
      assert.deepEqual(
        Object.keys(each).filter((key) => !known.includes(key)),
        [],
      )
    }
  })

  test('is read by Go as whole numbers of 64 bits', () => {
    for (const { args = [] } of ociSeccomp({ ...plain('x64'), inet: true }).syscalls)
      for (const { value, valueTwo = 0 } of args)
        assert.ok(
          Number.isSafeInteger(value) && Number.isSafeInteger(valueTwo) && value >= 0 && valueTwo >= 0,
        )
  })

  test('leaves denials of what the runtime itself calls to the job’s own filter', () => {
    const denied = { ...plain('x64'), deny: ['futex', 'memfd_create'] }
    const action = (form: OciSeccomp, name: string) =>
      form.syscalls.filter(({ names }) => names.includes(name)).map((each) => each.action)
    assert.deepEqual(action(ociSeccomp(denied), 'futex'), ['SCMP_ACT_ALLOW'])
    assert.deepEqual(action(ociSeccomp(denied), 'memfd_create'), ['SCMP_ACT_ERRNO'])
    assert.deepEqual(action(ociJobSeccomp(denied), 'futex'), ['SCMP_ACT_ERRNO'])
    assert.ok(RUNTIME_CALLS.every((name) => syscallNumbers('x64').has(name)))
  })

  test('has no words for a question, nor for the default answer beside others: it refuses to be made', () => {
    const made = (profile: Profile) => () => ociForm(profile, 'x64')
    const unlisted = errno('ENOSYS')
    assert.throws(made({ rules: new Map([['execve', always(ASK)]]), unlisted }), /nobody who answers/)
    const clauses = [{ when: [isOneOf(0, [1])], action: unlisted }]
    assert.throws(made({ rules: new Map([['prctl', { clauses, otherwise: ALLOW }]]), unlisted }), /prctl/)
    const high = [{ when: [{ ...isNoneOf(0, [0]), half: 'high' as const }], action: errno('EPERM') }]
    assert.throws(
      made({ rules: new Map([['prctl', { clauses: high, otherwise: ALLOW }]]), unlisted }),
      RangeError,
    )
  })
})
