import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gateBytes, SEALED } from '../../src/syscalls/gate.js'
import {
  ARCHES,
  compiledKeeper,
  type FilterOptions,
  firstFilter,
  jobFilters,
  requirements,
  syscallFilterBytes,
} from '../../src/syscalls/index.js'
import { isSyscallName, syscallNumbers } from '../../src/syscalls/table.js'
import { AUDIT_ARCH, interpret } from './interpreter.js'

const OPTIONS: FilterOptions = {
  arch: 'x64',
  profile: 'default',
  lock: 'sealed',
  deny: [],
  allow: [],
  inet: false,
  cpuPinned: false,
}
const GIVEN_UP = SEALED.flatMap(({ calls }) => calls)

describe('the lock', () => {
  test('names each call once, and only calls that exist', () => {
    assert.equal(new Set(GIVEN_UP).size, GIVEN_UP.length)
    assert.deepEqual(
      GIVEN_UP.filter((name) => !isSyscallName(name)),
      [],
    )
  })

  test('asks about what it takes away, on each architecture, and about nothing else', () => {
    for (const arch of ARCHES) {
      const asked = new Set(GIVEN_UP.map((name) => syscallNumbers(arch).get(name)))
      for (let number = 0; number < 1000; number++) {
        const says = interpret(gateBytes(OPTIONS, arch), { arch: AUDIT_ARCH[arch], number, args: [] })
        assert.equal(says, asked.has(number) ? 'ask' : 'allow', `${arch} ${number}`)
      }
    }
  })

  // a new call with a path, allowed by the default profile, must not be forgotten here
  test('takes away every call of the default profile that opens, makes or changes by a name', () => {
    const opens =
      /^(open|creat$|mk|symlink|link|rename|unlink|rmdir|truncate$|f?chmodat|chmod$|l?chown$|fchownat|utime|futimesat)/
    const named = [...syscallNumbers('x64').keys()].filter((name) => opens.test(name))
    // refused by every profile
    const others = ['open_tree', 'open_tree_attr']
    assert.deepEqual(
      named.filter((name) => !GIVEN_UP.includes(name) && !others.includes(name)),
      [],
    )
  })

  test('is behind the whole profile: the job’s own filter is as without a lock', () => {
    const filters = jobFilters(OPTIONS) ?? assert.fail('no gate')
    const without = { ...OPTIONS, lock: null }
    assert.deepEqual(Buffer.from(filters.filter), Buffer.from(syscallFilterBytes(without)))
    assert.deepEqual(Buffer.from(firstFilter(OPTIONS)), Buffer.from(compiledKeeper(OPTIONS)))
    assert.equal(jobFilters(without), null)
    assert.deepEqual(filters.lock, { line: 'lock sealed', oneExec: false })
    assert.equal(jobFilters({ ...OPTIONS, profile: 'compute' })?.lock?.oneExec, true)
  })

  test('is promised where the policy offers it', () => {
    const of = (lock: 'sealed' | null) =>
      requirements({ syscalls: { profile: 'default', lock, deny: [], allow: [] } }).find(
        ({ id }) => id === 'syscalls.lock',
      )?.applies
    assert.deepEqual([of('sealed'), of(null)], [true, false])
  })
})
