/** In what a filter that a container runtime set may differ from the job's own, and that it differs in nothing else. */
import assert from 'node:assert/strict'
import { compileFilter } from '../../src/syscalls/compile.js'
import type { FilterOptions } from '../../src/syscalls/index.js'
import type { Profile } from '../../src/syscalls/rule.js'
import { type Arch, syscallNumbers } from '../../src/syscalls/table.js'
import { AUDIT_ARCH, interpret } from './interpreter.js'
import { vectors } from './vectors.js'

export const plain = (arch: Arch): FilterOptions => ({
  arch,
  profile: 'default',
  lock: null,
  deny: [],
  allow: [],
  inet: false,
  cpuPinned: false,
  hostFolders: false,
})

export const SETTINGS: Readonly<Record<string, Partial<FilterOptions>>> = {
  'the default profile': {},
  'with a network': { inet: true },
  'with folders of the host': { hostFolders: true },
  'with both, and processor affinity': { inet: true, hostFolders: true, cpuPinned: true },
  'with calls denied and allowed': {
    deny: ['memfd_create', 'ptrace'],
    allow: ['ioctl', 'unshare', 'msgget'],
  },
  'the compute profile': { profile: 'compute', cpuPinned: true },
  'a job that can lock itself': { lock: 'sealed', inet: true },
}

/** Numbers with and without a name, those of x32, and what a tracer sets to skip a call. */
const NUMBERS = Array.from({ length: 700 }, (_, number) => number)
const OF_NO_ABI = 0x8000_0000
const STRANGE = [...NUMBERS.map((number) => number + 0x4000_0000), 0x7fff_ffff, OF_NO_ABI, 0xffff_ffff]

/**
 * All differences are here. `unknown`, calls that the runtime's library is too old for, get what numbers without a name get. Of
 * a process that uses another ABI only the thread dies, unless the job's own filter, which is stricter, says the rest. And
 * with `stub`, what runc itself puts before the library's program, numbers that are of no ABI are answered ENOSYS.
 */
export function sameAnswers(
  program: Uint8Array,
  arch: Arch,
  profile: Profile,
  unknown: readonly string[],
  stub = false,
): void {
  const ours = compileFilter(profile, arch)
  const tooNew = new Set(unknown.map((name) => syscallNumbers(arch).get(name)))
  const same = (number: number, args: readonly bigint[]) => {
    const call = { arch: AUDIT_ARCH[arch], number, args }
    const differs = tooNew.has(number) || (stub && number === OF_NO_ABI)
    const expected = differs ? 'errno 38' : interpret(ours, call)
    const said = interpret(program, call).replace('kill thread', 'kill')
    if (said !== expected) assert.equal(said, expected, `${number} (${args.join(', ')})`)
  }
  for (const value of [0n, (1n << 64n) - 1n, (0xdead_beefn << 32n) | 1n])
    for (const number of [...NUMBERS, ...STRANGE]) same(number, Array(6).fill(value))
  for (const [name, rule] of profile.rules) {
    const number = syscallNumbers(arch).get(name)
    if (number !== undefined && rule.clauses.length > 0) for (const args of vectors(rule)) same(number, args)
  }
  for (const other of Object.values(AUDIT_ARCH).filter((audit) => audit !== AUDIT_ARCH[arch]))
    for (const number of NUMBERS) {
      const call = { arch: other, number, args: [] }
      assert.deepEqual([interpret(program, call), interpret(ours, call)], ['kill thread', 'kill'])
    }
}
