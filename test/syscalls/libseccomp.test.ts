import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileFilter } from '../../src/syscalls/compile.js'
import { computeProfile } from '../../src/syscalls/profile-compute.js'
import { defaultProfile } from '../../src/syscalls/profile-default.js'
import { always, type Condition, type Profile, type Rule } from '../../src/syscalls/rule.js'
import { ARCHES, type Arch, syscallNumbers } from '../../src/syscalls/table.js'
import { AUDIT_ARCH, interpret } from './interpreter.js'
import { HAS_LIBSECCOMP, reference, referenceTool, spoken, UNKNOWN_TO_2_5_4 } from './reference.js'

const PROFILES = [
  // several clauses in an order, or "none of these values"
  {
    name: 'default',
    profile: defaultProfile({ inet: true, cpuPinned: false }),
    beyond: ['ioctl', 'mknod', 'mknodat', 'prlimit64', 'sched_setscheduler', 'setpriority', 'socket'],
  },
  {
    name: 'compute',
    profile: computeProfile({ inet: true, cpuPinned: false }),
    beyond: ['ioctl', 'prlimit64'],
  },
] as const

/**
 * libseccomp's only masked comparison is "equals", one an argument, and its rules are alternatives. So a condition
 * becomes alternatives: each value, or each bit of "any of these bits". `null` when it can't be said that way.
 */
function alternatives({ argument, half, mask, values, member }: Condition): readonly string[] | null {
  const shift = half === 'high' ? 32n : 0n
  const equals = (bits: number, value: number) =>
    `${argument} ${BigInt(bits) << shift} ${BigInt(value) << shift}`
  if (member) return values.map((value) => equals(mask, value))
  if (values.length !== 1 || values[0] !== 0) return null
  const bits = Array.from({ length: 32 }, (_, index) => (1 << index) >>> 0).filter(
    (bit) => (mask & bit) !== 0,
  )
  return bits.map((bit) => equals(bit, bit))
}

function ruleLines(name: string, { clauses }: Rule): readonly string[] | null {
  const [clause, ...more] = clauses
  if (!clause || more.length > 0) return null
  let conjunctions: readonly (readonly string[])[] = [[]]
  for (const condition of clause.when) {
    const choices = alternatives(condition)
    if (!choices) return null
    conjunctions = conjunctions.flatMap((said) => choices.map((choice) => [...said, choice]))
  }
  return conjunctions.map((said) => `${name} ${spoken(clause.action)} ${said.length} ${said.join(' ')}`)
}

describe('libseccomp makes the same filter', {
  skip: !HAS_LIBSECCOMP && 'no C compiler or no libseccomp-dev',
}, () => {
  const tool = referenceTool()

  for (const { name: label, profile: PROFILE, beyond: outside } of PROFILES)
    for (const arch of ARCHES) {
      test(`${label}: of the calls of ${arch} that have no check: every number from 0 to 5000, x32, i386, arm, -1`, () => {
        const rules = [...PROFILE.rules].filter(([, { clauses }]) => clauses.length === 0)
        const differs = rules.filter(([, { otherwise }]) => spoken(otherwise) !== spoken(PROFILE.unlisted))
        const lines = differs
          .filter(([name]) => syscallNumbers(arch).has(name))
          .map(([name, { otherwise }]) => `${name} ${spoken(otherwise)} 0`)
        const { program, unknown } = reference(tool, arch, PROFILE.unlisted, lines)
        assert.deepEqual(
          unknown.filter((name) => !UNKNOWN_TO_2_5_4.includes(name)),
          [],
        )

        const known: Profile = {
          ...PROFILE,
          rules: new Map(rules.filter(([name]) => !unknown.includes(name))),
        }
        const ours = compileFilter(known, arch)
        const range = Array.from({ length: 5001 }, (_, number) => number)
        const all = [
          ...range,
          ...range.map((number) => number + 0x40000000),
          0x7fffffff,
          0x80000000,
          0xffffffff,
        ]
        for (const audit of Object.values(AUDIT_ARCH)) {
          for (const number of all) {
            const call = { arch: audit, number, args: [] }
            assert.equal(interpret(ours, call), interpret(program, call), `${audit.toString(16)} ${number}`)
          }
        }
      })

      test(`${label}: of each check on ${arch} that its language can say`, () => {
        const checked = [...PROFILE.rules].filter(
          ([name, { clauses }]) => clauses.length > 0 && syscallNumbers(arch).has(name),
        )
        const beyond = checked.filter(([name, rule]) => ruleLines(name, rule) === null).map(([name]) => name)
        assert.deepEqual(
          beyond.sort(),
          outside.filter((name) => syscallNumbers(arch).has(name)),
        )
        for (const [name, rule] of checked) {
          const lines = ruleLines(name, rule)
          if (lines) sameVerdicts(tool, arch, name, rule, lines)
        }
      })
    }
})

function sameVerdicts(tool: string, arch: Arch, name: string, rule: Rule, lines: readonly string[]): void {
  const { program } = reference(tool, arch, rule.otherwise, lines)
  const ours = compileFilter({ rules: new Map([[name, rule]]), unlisted: rule.otherwise }, arch)
  const number = syscallNumbers(arch).get(name) ?? assert.fail(name)
  for (const args of interesting(rule)) {
    const call = { arch: AUDIT_ARCH[arch], number, args }
    assert.equal(interpret(ours, call), interpret(program, call), `${name}(${args.join(', ')})`)
  }
  // a rule for one call touches no other
  const other = { arch: AUDIT_ARCH[arch], number: number + 1, args: [] }
  assert.equal(
    interpret(ours, other),
    interpret(compileFilter({ rules: new Map(), unlisted: always(rule.otherwise).otherwise }, arch), other),
  )
}

/** Every combination of values that the rule's conditions test for, their neighbours, single bits and junk above. */
function interesting({ clauses }: Rule): readonly (readonly bigint[])[] {
  const conditions = clauses.flatMap(({ when }) => when)
  let result: readonly (readonly bigint[])[] = [[0n, 0n, 0n, 0n, 0n, 0n]]
  for (const { argument, values, mask } of conditions) {
    const bits = Array.from({ length: 32 }, (_, index) => 1n << BigInt(index)).filter(
      (bit) => bit & BigInt(mask),
    )
    const low = [
      0n,
      1n,
      0xffff_ffffn,
      ...bits,
      ...values.slice(0, 50).flatMap((value) => [BigInt(value), BigInt((value ^ 1) >>> 0)]),
    ]
    const words = conditions.length > 1 ? [...new Set(low)].slice(0, 14) : [...new Set(low)]
    const choices = words.flatMap((word) => [word, word | (0xdead_beefn << 32n), word << 32n])
    result = result.flatMap((args) =>
      choices.map((choice) => args.map((old, index) => (index === argument ? choice : old))),
    )
  }
  return result
}
