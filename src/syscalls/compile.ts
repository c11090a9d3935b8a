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
import { errno, KILL, type Profile, type Rule } from './rule.js'
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
  const search: readonly Pending[] = [...prologue(arch), ...tree(segments(profile, arch))]
  const blocks = new Map<Rule, number>()
  const tail: Instruction[] = []
  for (const item of search) {
    if (!('goto' in item) || blocks.has(item.goto)) continue
    blocks.set(item.goto, search.length + tail.length)
    tail.push(...compileRule(item.goto))
  }
  const head = search.map((item, index) =>
    'goto' in item ? instruction(OP.jump, (blocks.get(item.goto) ?? 0) - index - 1) : item,
  )
  const program = [...head, ...tail]
  if (program.length > MAX_INSTRUCTIONS) throw new RangeError(`filter of ${program.length} instructions`)
  return program
}

/**
 * Another ABI's numbers mean other calls (`int 0x80` with 165 is no mount on i386, with 21 it is), so a process
 * that uses one dies. x32 shares x86_64's arch value and is told apart by a bit of the number; -1 has that bit
 * and is no x32 call: the kernel answers ENOSYS, and so do we.
 */
function prologue(arch: Arch): readonly Instruction[] {
  const archCheck = [
    instruction(OP.load, OFFSET.arch),
    instruction(OP.jumpIfEqual, AUDIT_ARCH[arch], 1, 0),
    returning(KILL),
    instruction(OP.load, OFFSET.number),
  ]
  if (arch !== 'x64') return archCheck
  return [
    ...archCheck,
    instruction(OP.jumpIfAtLeast, X32_BIT, 0, 3),
    instruction(OP.jumpIfEqual, MINUS_ONE, 1, 0),
    returning(KILL),
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
  return returning(a.otherwise).k === returning(b.otherwise).k
}

/**
 * Binary search: a dozen comparisons at most for any call. Calls that are allowed whatever their arguments cost
 * nothing at all on kernels from 5.11 on, which find this out by themselves and keep a bitmap (kernel/seccomp.c,
 * seccomp_is_const_allow).
 */
function tree(range: readonly Segment[]): readonly Pending[] {
  const middle = range.length >> 1
  const pivot = range[middle]
  if (pivot === undefined) return []
  if (middle === 0)
    return [pivot.rule.clauses.length === 0 ? returning(pivot.rule.otherwise) : { goto: pivot.rule }]
  const below = tree(range.slice(0, middle))
  const above = tree(range.slice(middle))
  if (below.length <= MAX_BRANCH) {
    return [instruction(OP.jumpIfAtLeast, pivot.from, below.length, 0), ...below, ...above]
  }
  // too far for the branch's byte: step onto an unconditional jump, whose reach is 32 bits
  const trampoline = [instruction(OP.jumpIfAtLeast, pivot.from, 0, 1), instruction(OP.jump, below.length)]
  return [...trampoline, ...below, ...above]
}
