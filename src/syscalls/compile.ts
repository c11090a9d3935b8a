import {
  encode,
  type Instruction,
  instruction,
  MAX_BRANCH,
  MAX_INSTRUCTIONS,
  OFFSET,
  OP,
  returning,
} from './bpf.js'
import { compileRule } from './compile-rule.js'
import { type Action, errno, KILL, type Profile, type Rule } from './rule.js'
import { type Arch, syscallNumbers } from './table.js'

/** AUDIT_ARCH_* of include/uapi/linux/audit.h */
const AUDIT_ARCH: Readonly<Record<Arch, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 }

/** __X32_SYSCALL_BIT of arch/x86/include/uapi/asm/unistd.h */
const X32_BIT = 0x4000_0000
const MINUS_ONE = 0xffff_ffff

/** Numbers from `from` up to the next segment's, all with the same rule. */
interface Segment {
  readonly from: number
  readonly rule: Rule
}

/** A leaf that needs an argument check jumps to the check's block; the address is known only at the end. */
type Pending = Instruction | { readonly goto: Rule }

/**
 * The profile as a seccomp program for `arch`. Pure: the same profile gives the same bytes.
 * @throws RangeError when the program is longer than the kernel accepts (4096 instructions)
 */
export function compileFilter(profile: Profile, arch: Arch): Uint8Array {
  return encode(compileProgram(profile, arch))
}

/** As {@link compileFilter}, before encoding. */
export function compileProgram(profile: Profile, arch: Arch): readonly Instruction[] {
  const head: Pending[] = [...prologue(arch, profile.otherAbi ?? KILL)]
  const ranges = segments(profile, arch)
  search(ranges, 0, ranges.length, head)
  const blocks = new Map<Rule, number>()
  const tail: Instruction[] = []
  for (const item of head) {
    if (!('goto' in item) || blocks.has(item.goto)) continue
    blocks.set(item.goto, head.length + tail.length)
    tail.push(...compileRule(item.goto))
  }
  const resolved = head.map((item, index) =>
    'goto' in item ? instruction(OP.jump, (blocks.get(item.goto) ?? 0) - index - 1) : item,
  )
  const program = [...resolved, ...tail]
  if (program.length > MAX_INSTRUCTIONS) throw new RangeError(`filter of ${program.length} instructions`)
  return program
}

/**
 * Another ABI's numbers mean other calls (`int 0x80` with 165 is no mount on i386, with 21 it is), so a process
 * that uses one dies. x32 shares x86_64's arch value and is told apart by a bit of the number; -1 has that bit
 * and is no x32 call: the kernel answers ENOSYS, and so do we.
 */
function prologue(arch: Arch, otherAbi: Action): readonly Instruction[] {
  const archCheck = [
    instruction(OP.load, OFFSET.arch),
    instruction(OP.jumpIfEqual, AUDIT_ARCH[arch], 1, 0),
    returning(otherAbi),
    instruction(OP.load, OFFSET.number),
  ]
  if (arch !== 'x64') return archCheck
  return [
    ...archCheck,
    instruction(OP.jumpIfAtLeast, X32_BIT, 0, 3),
    instruction(OP.jumpIfEqual, MINUS_ONE, 1, 0),
    returning(otherAbi),
    returning(errno('ENOSYS')),
  ]
}

function segments(profile: Profile, arch: Arch): readonly Segment[] {
  const unlisted: Rule = { clauses: [], otherwise: profile.unlisted }
  const byNumber = new Map<number, Rule>()
  for (const [name, number] of syscallNumbers(arch)) {
    const rule = profile.rules.get(name)
    if (rule) byNumber.set(number, rule)
  }
  const last = Math.max(-1, ...byNumber.keys())
  const result: Segment[] = []
  for (let number = 0; number <= last + 1; number += 1) {
    const rule = byNumber.get(number) ?? unlisted
    const previous = result.at(-1)
    if (!previous || !sameRule(previous.rule, rule)) result.push({ from: number, rule })
  }
  return result
}

function sameRule(a: Rule, b: Rule): boolean {
  if (a === b) return true
  if (a.clauses.length > 0 || b.clauses.length > 0) return false
  const [left, right] = [a.otherwise, b.otherwise]
  if (left.kind === 'errno' && right.kind === 'errno') return left.errno === right.errno
  return left.kind === right.kind
}

/**
 * Binary search, appended to `program`: a dozen comparisons at most for any call. Calls that are allowed whatever
 * their arguments cost nothing at all on kernels from 5.11 on, which find this out by themselves and keep a
 * bitmap (kernel/seccomp.c, seccomp_is_const_allow).
 */
function search(range: readonly Segment[], from: number, to: number, program: Pending[]): void {
  const middle = (from + to) >> 1
  const pivot = range[middle]
  if (pivot === undefined) return
  if (middle === from) {
    const { rule } = pivot
    program.push(rule.clauses.length === 0 ? returning(rule.otherwise) : { goto: rule })
    return
  }
  // the branch, once it is known how far it goes
  const at = program.push({ goto: pivot.rule }) - 1
  search(range, from, middle, program)
  const below = program.length - at - 1
  if (below <= MAX_BRANCH) {
    program[at] = instruction(OP.jumpIfAtLeast, pivot.from, below, 0)
  } else {
    // too far for the branch's byte: step onto an unconditional jump, whose reach is 32 bits
    program[at] = instruction(OP.jumpIfAtLeast, pivot.from, 0, 1)
    program.splice(at + 1, 0, instruction(OP.jump, below))
  }
  search(range, middle, to, program)
}
