import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { KEEPER_CALLS } from '../../src/syscalls/adjust.js'
import {
  ARCHES,
  compiledFilter,
  prebuiltKey,
  requirements,
  syscallFilter,
  syscallFilterBytes,
  syscallNames,
} from '../../src/syscalls/index.js'
import { PREBUILT } from '../../src/syscalls/prebuilt.js'
import { ABSENT, ALLOWED, defaultProfile, REFUSED } from '../../src/syscalls/profile-default.js'
import { syscallNumbers } from '../../src/syscalls/table.js'
import { DOCKER_ALLOWED } from './docker-profile.js'
import { AUDIT_ARCH, interpret } from './interpreter.js'
import { filterFor, ROOT, verdictOf } from './tools.js'

const PLAIN = { profile: 'default', lock: null, deny: [], allow: [], inet: false, cpuPinned: false } as const
const PROFILE = defaultProfile(PLAIN)

function callsOf(groups: typeof ALLOWED): readonly string[] {
  return groups.flatMap(({ calls }) => calls)
}

describe('the default profile', () => {
  test('has an opinion on every call that has a name, once, and on none that has no name', () => {
    const named = new Set(ARCHES.flatMap((arch) => syscallNames(arch)))
    const listed = [...callsOf(ALLOWED), ...callsOf(REFUSED), ...callsOf(ABSENT)]
    assert.deepEqual([...new Set(listed)].length, listed.length, 'a call stands in two groups')
    assert.deepEqual(
      [...named].filter((name) => !PROFILE.rules.has(name)),
      [],
    )
    assert.deepEqual(
      [...PROFILE.rules.keys()].filter((name) => !named.has(name)),
      [],
    )
    assert.deepEqual(
      listed.filter((name) => (PROFILE.rules.get(name)?.clauses.length ?? 0) > 0),
      [],
    )
  })

  test('lets nothing run that Docker’s default profile refuses', () => {
    const runs = [...PROFILE.rules].filter(([, { otherwise, clauses }]) =>
      [otherwise, ...clauses.map(({ action }) => action)].some(({ kind }) => kind === 'allow'),
    )
    const docker = new Set(DOCKER_ALLOWED)
    assert.deepEqual(
      runs.map(([name]) => name).filter((name) => !docker.has(name)),
      [],
    )
  })

  test('lets pid 1 of the sandbox do its work', () => {
    for (const arch of ARCHES) {
      const present = KEEPER_CALLS.filter((name) => syscallNumbers(arch).has(name))
      const harmless: Record<string, number[]> = { clone: [17], prctl: [4], openat: [-100, 0, 0] }
      const refused = present.filter(
        (name) => verdictOf(arch, name, harmless[name] ?? [0, 0, 0, 0]) !== 'allow',
      )
      assert.deepEqual(refused, [])
    }
  })

  test('kills a process that calls by another ABI: i386 from x86_64, x32, 32-bit ARM, one processor’s numbers on another', () => {
    for (const number of [0, 1, 11, 39, 102, 173, 600]) {
      for (const arch of [AUDIT_ARCH.i386, AUDIT_ARCH.arm64, 0]) {
        assert.equal(interpret(filterFor('x64'), { arch, number, args: [] }), 'kill')
      }
      for (const arch of [AUDIT_ARCH.arm, AUDIT_ARCH.x64, 0]) {
        assert.equal(interpret(filterFor('arm64'), { arch, number, args: [] }), 'kill')
      }
      for (const bit of [0x40000000, 0x80000000, 0xc0000000]) {
        const call = { arch: AUDIT_ARCH.x64, number: (number | bit) >>> 0, args: [] }
        assert.equal(interpret(filterFor('x64'), call), 'kill')
      }
    }
  })

  test('answers ENOSYS to numbers without a name, to x32’s old 512 to 547 without their bit, and to -1', () => {
    for (const arch of ARCHES) {
      const named = new Set(syscallNumbers(arch).values())
      for (let number = 0; number < 5000; number += 1) {
        if (named.has(number)) continue
        assert.equal(interpret(filterFor(arch), { arch: AUDIT_ARCH[arch], number, args: [] }), 'errno 38')
      }
      const minusOne = { arch: AUDIT_ARCH[arch], number: 0xffffffff, args: [] }
      assert.equal(interpret(filterFor(arch), minusOne), 'errno 38')
    }
  })
})

describe('the door', () => {
  test('counts what runs and what is known', () => {
    const filter = syscallFilter({ ...PLAIN, arch: 'x64' })
    assert.equal(filter.known, syscallNames('x64').length)
    assert.ok(filter.allowed > 200 && filter.allowed < 280, `${filter.allowed}`)
    assert.deepEqual(filter.warnings, [])
    assert.equal(filter.bytes.length % 8, 0)
    assert.ok(filter.bytes.length / 8 <= 4096)
  })

  test('counts as docs/syscalls.md does', () => {
    const { allowed, known } = syscallFilter({ ...PLAIN, arch: 'x64' })
    const checked = syscallNames('x64').filter((name) => (PROFILE.rules.get(name)?.clauses.length ?? 0) > 0)
    const said = `${allowed} of ${known} named calls run, ${checked.length} of them only with some arguments`
    assert.ok(readFileSync(join(ROOT, 'docs', 'syscalls.md'), 'utf8').includes(said), said)
  })

  test('what is compiled ahead is what the compiler gives', () => {
    for (const arch of ['x64', 'arm64'] as const)
      for (const bits of [0, 1, 2, 3, 4, 5, 6, 7]) {
        const [cpuPinned, hostFolders, inet] = [1, 2, 4].map((bit) => (bits & bit) !== 0) as [
          boolean,
          boolean,
          boolean,
        ]
        const options = { ...PLAIN, arch, cpuPinned, hostFolders, inet }
        assert.ok(
          Object.hasOwn(PREBUILT, prebuiltKey(options)),
          'not compiled ahead: node scripts/syscall-filters.mjs',
        )
        assert.deepEqual(Buffer.from(syscallFilterBytes(options)), Buffer.from(compiledFilter(options)))
      }
  })

  test('states its two requirements, with what the policy adds and takes away', () => {
    const syscalls = { profile: 'default', lock: null, deny: ['mlock'], allow: ['ptrace'] } as const
    const [profile, abi] = requirements({ syscalls })
    assert.deepEqual([profile?.id, abi?.id], ['syscalls.profile', 'syscalls.native-abi-only'])
    assert.match(profile?.sentence ?? '', /"default" profile, plus ptrace, without mlock/)
    assert.ok(profile?.applies && abi?.applies)
  })
})
