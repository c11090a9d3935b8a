/**
 * A rule in the only words that libseccomp has: "these bits of this argument are that value", one such test an argument.
 *
 * What it makes of several rules for one call (src/db.c and gen_bpf.c of 2.5 and 2.6) is a tree, the lowest argument outermost.
 * Of the tests of one argument the one with the greatest value comes first, of those with an equal value the one that was added
 * first; when nothing below a test holds, the next one is tried. The least value of a set is never smaller than that of a set
 * around it. So a special case comes before the general one, if it is also told before it, and "otherwise" can be said:
 * by the two halves of all values, those with some bit and those without.
 */
import { type Block, contains, holdsIn, separated } from './oci-block.js'
import type { Action, Condition, Rule } from './rule.js'

export interface Comparison {
  readonly argument: Condition['argument']
  readonly block: Block
}

/** All comparisons hold → `action`. */
export interface Leaf {
  readonly comparisons: readonly Comparison[]
  readonly action: Action
}

/** In the order in which libseccomp has to be told. One leaf without comparisons: the same action whatever the arguments. */
export function leavesOf(rule: Rule): readonly Leaf[] {
  const [first] = rule.clauses
  if (first === undefined) return [{ comparisons: [], action: rule.otherwise }]
  if (first.when.length === 0) return [{ comparisons: [], action: first.action }]
  const conditions = rule.clauses.flatMap(({ when }) => when)
  const argument = Math.min(...conditions.map((condition) => condition.argument)) as Condition['argument']
  const branches = separated(conditions.filter((condition) => condition.argument === argument)).map(
    (block) => ({ block, leaves: leavesOf(given(rule, argument, block)) }),
  )
  const needed = withoutRepetition(branches)
  const [only] = needed
  if (only !== undefined && needed.every(({ leaves }) => same(leaves, only.leaves))) return only.leaves
  return needed.flatMap(({ block, leaves }) =>
    leaves.map(({ comparisons, action }) => ({
      comparisons: [{ argument, block }, ...comparisons],
      action,
    })),
  )
}

interface Branch {
  readonly block: Block
  readonly leaves: readonly Leaf[]
}

/** What is left of `rule` to be asked when it is known that the argument is in `block`, and in no smaller one. */
function given(rule: Rule, argument: Condition['argument'], block: Block): Rule {
  const known = (condition: Condition) => condition.argument === argument
  return {
    clauses: rule.clauses
      .filter(({ when }) => when.every((each) => !known(each) || holdsIn(each, block)))
      .map(({ when, action }) => ({ when: when.filter((each) => !known(each)), action })),
    otherwise: rule.otherwise,
  }
}

/** Without a block whose values would be answered the same by the next one around it. */
function withoutRepetition(branches: readonly Branch[]): readonly Branch[] {
  const needed: Branch[] = []
  for (const branch of [...branches].reverse()) {
    const around = needed.find(({ block }) => contains(block, branch.block))
    if (around === undefined || !same(around.leaves, branch.leaves)) needed.unshift(branch)
  }
  return needed
}

const same = (a: readonly Leaf[], b: readonly Leaf[]) => spelled(a) === spelled(b)

const spelled = (leaves: readonly Leaf[]) =>
  JSON.stringify(leaves, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
