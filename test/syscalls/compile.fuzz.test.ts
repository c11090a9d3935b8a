import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compileFilter } from '../../src/syscalls/compile.js'
import {
  type Action,
  ALLOW,
  ASK,
  always,
  type Condition,
  decide,
  KILL,
  type Profile,
  type Rule,
} from '../../src/syscalls/rule.js'
import { ARCHES, type Arch, syscallNumbers } from '../../src/syscalls/table.js'
import { AUDIT_ARCH, interpret, type Verdict } from './interpreter.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)

function spoken(action: Action): Verdict {
  return action.kind === 'errno' ? `errno ${action.errno}` : action.kind
}

describe('compiled and read aloud, a profile says the same', () => {
  const word = fc.oneof(
    fc.constantFrom(0, 1, 2, 0x5412, 0x80000000, 0xffffffff),
    fc.integer({ min: 0, max: 0xffffffff }),
  )
  const action: fc.Arbitrary<Action> = fc.oneof(
    fc.constant(ALLOW),
    fc.constant(KILL),
    fc.constant(ASK),
    fc.integer({ min: 0, max: 4095 }).map((number): Action => ({ kind: 'errno', errno: number })),
  )
  const condition: fc.Arbitrary<Condition> = fc.record({
    argument: fc.constantFrom(0, 1, 2, 3, 4, 5),
    half: fc.constantFrom('low', 'high'),
    mask: fc.oneof(fc.constant(0xffffffff), word),
    values: fc.array(word, { maxLength: 5 }),
    member: fc.boolean(),
  })
  const rule: fc.Arbitrary<Rule> = fc.record({
    clauses: fc.array(fc.record({ when: fc.array(condition, { maxLength: 3 }), action }), { maxLength: 4 }),
    otherwise: action,
  })
  const argument = fc.oneof(
    word.map(BigInt),
    word.map((value) => BigInt(value) << 32n),
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  )

  for (const arch of ARCHES) {
    test(`random profiles on ${arch}, asked with the values they test for, their neighbours and junk`, () => {
      const names = [...syscallNumbers(arch).keys()]
      const rules = fc.dictionary(fc.constantFrom(...names), rule, { maxKeys: 120, noNullPrototype: true })
      fc.assert(
        fc.property(
          rules,
          action,
          fc.array(fc.array(argument, { minLength: 6, maxLength: 6 }), { minLength: 8, maxLength: 8 }),
          (given, unlisted, calls) => {
            const whole: Profile = { rules: new Map(Object.entries(given)), unlisted }
            const bytes = compileFilter(whole, arch)
            for (const args of calls) agrees(whole, bytes, arch, args)
          },
        ),
        { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: (SECONDS * 1000) / ARCHES.length },
      )
    })
  }

  function agrees(whole: Profile, bytes: Uint8Array, arch: Arch, junk: readonly bigint[]): void {
    for (const [name, number] of syscallNumbers(arch)) {
      const known = whole.rules.get(name) ?? always(whole.unlisted)
      const args = aimed(known, junk)
      const expected = spoken(decide(known, args))
      assert.equal(interpret(bytes, { arch: AUDIT_ARCH[arch], number, args }), expected, name)
    }
  }

  /** Arguments that satisfy some of the rule's conditions, or all but. */
  function aimed(known: Rule, junk: readonly bigint[]): readonly bigint[] {
    const args = [...junk]
    for (const [index, { argument, half, values }] of known.clauses.flatMap(({ when }) => when).entries()) {
      const value = values[index % Math.max(1, values.length)]
      const choice = Number((junk[index % 6] ?? 0n) & 3n)
      if (value === undefined || choice === 0) continue
      const near = BigInt(choice === 1 ? (value ^ 1) >>> 0 : value)
      const old = args[argument] ?? 0n
      args[argument] = half === 'low' ? ((old >> 32n) << 32n) | near : (near << 32n) | (old & 0xffffffffn)
    }
    return args
  }
})
