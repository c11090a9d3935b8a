/** Arguments with which a rule's answers could go wrong: the values that it names, their neighbours, single bits, junk above. */
import type { Condition, Rule } from '../../src/syscalls/rule.js'

const MOST = 1500
const JUNK = 0xdead_beefn << 32n

/** All combinations, or where those are too many the same ones each time. */
export function vectors({ clauses }: Rule): readonly (readonly bigint[])[] {
  const conditions = clauses.flatMap(({ when }) => when)
  const choices = Array.from({ length: 6 }, (_, argument) =>
    values(conditions.filter((condition) => condition.argument === argument)),
  )
  const all = choices.reduce((product, { length }) => product * length, 1)
  const next = counter()
  return Array.from({ length: Math.min(all, MOST) }, (_, index) =>
    all <= MOST ? nth(choices, index) : choices.map((choice) => choice[next() % choice.length] ?? 0n),
  )
}

function nth(choices: readonly (readonly bigint[])[], index: number): readonly bigint[] {
  let rest = index
  return choices.map((choice) => {
    const value = choice[rest % choice.length] ?? 0n
    rest = Math.floor(rest / choice.length)
    return value
  })
}

function values(conditions: readonly Condition[]): readonly bigint[] {
  if (conditions.length === 0) return [0n]
  const words = conditions.flatMap(({ mask, values: named }) => [
    ...named.flatMap((value) => [value, value ^ 1, value | (~mask >>> 0), value ^ 0x8000_0000]),
    ...Array.from({ length: 32 }, (_, bit) => (1 << bit) & mask),
  ])
  const low = [0, 1, 2, 0xffff_ffff, ...words].map((word) => BigInt(word >>> 0))
  return [...new Set(low.flatMap((word) => [word, word | JUNK, word << 32n, word | (0xffff_ffffn << 32n)]))]
}

/** The same numbers in each run. */
function counter(): () => number {
  let state = 1
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 8
  }
}
