import { type Instruction, instruction, MAX_BRANCH, OFFSET, OP, returning } from './bpf.js'
import type { Clause, Condition, Rule } from './rule.js'

const ALL_BITS = 0xffff_ffff

/** The clauses one after another, each ending in a return; then the rule's last word. */
export function compileRule(rule: Rule): readonly Instruction[] {
  return [...rule.clauses.flatMap(compileClause), returning(rule.otherwise)]
}

/** Falls out at the end when a condition fails. */
function compileClause(clause: Clause): readonly Instruction[] {
  let code: readonly Instruction[] = [returning(clause.action)]
  for (const condition of [...clause.when].reverse()) {
    code = [...compileCondition(condition, code.length), ...code]
  }
  return code
}

/** Continues behind itself when the condition holds, `skip` instructions further when it doesn't. */
function compileCondition(condition: Condition, skip: number): readonly Instruction[] {
  const { argument, half, mask, values, member } = condition
  if (values.length >= MAX_BRANCH) throw new RangeError(`condition with ${values.length} values`)
  const load = instruction(OP.load, OFFSET.arguments + argument * 8 + (half === 'high' ? 4 : 0))
  const masked = mask === ALL_BITS ? [load] : [load, instruction(OP.and, mask)]
  const [only] = values
  if (only !== undefined && values.length === 1 && skip <= MAX_BRANCH) {
    return [...masked, instruction(OP.jumpIfEqual, only, member ? 0 : skip, member ? skip : 0)]
  }
  // every hit jumps over one instruction behind the comparisons, which a miss meets
  const comparisons = values.map((value, index) =>
    instruction(OP.jumpIfEqual, value, values.length - index, 0),
  )
  const miss = member ? [instruction(OP.jump, skip)] : [instruction(OP.jump, 1), instruction(OP.jump, skip)]
  return [...masked, ...comparisons, ...miss]
}
