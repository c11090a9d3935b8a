import { ERRNO, type ErrnoName } from './errno.js'

/** What the kernel does with one call. */
export type Action =
  | { readonly kind: 'allow' }
  /** the call does not happen; the program sees this error number */
  | { readonly kind: 'errno'; readonly errno: number }
  /** the call waits until whoever installed the filter has answered; ENOSYS when nobody is left who could */
  | { readonly kind: 'ask' }
  /** the whole process dies of SIGSYS */
  | { readonly kind: 'kill' }

/**
 * One test of one 32-bit half of one argument (seccomp sees six 64-bit arguments, a filter 32 bits at a time).
 * `low` is what the kernel uses wherever the parameter is an `int`, `unsigned int` or `umode_t`: the upper half
 * is thrown away, so testing it as well would let a call through that the kernel treats as the forbidden one.
 */
export interface Condition {
  readonly argument: 0 | 1 | 2 | 3 | 4 | 5
  readonly half: 'low' | 'high'
  /** unsigned 32 bits; applied before the comparison */
  readonly mask: number
  /** the masked half is one of these … */
  readonly values: readonly number[]
  /** … or, when false, none of them */
  readonly member: boolean
}

/** All of `when` hold → `action`. An empty `when` always holds. */
export interface Clause {
  readonly when: readonly Condition[]
  readonly action: Action
}

/** First clause that holds decides; `otherwise` when none does. */
export interface Rule {
  readonly clauses: readonly Clause[]
  readonly otherwise: Action
}

/** What happens to every call of a program. Plain data, the same for all architectures: calls are names. */
export interface Profile {
  readonly rules: ReadonlyMap<string, Rule>
  /** calls that `rules` doesn't name, and numbers that have no name yet */
  readonly unlisted: Action
  /** calls by another ABI; absent: they kill */
  readonly otherAbi?: Action
}

const ALL_BITS = 0xffff_ffff
type Argument = Condition['argument']

export const ALLOW: Action = { kind: 'allow' }
export const ASK: Action = { kind: 'ask' }
export const KILL: Action = { kind: 'kill' }

export function errno(name: ErrnoName): Action {
  return { kind: 'errno', errno: ERRNO[name] }
}

/** The same action whatever the arguments. */
export function always(action: Action): Rule {
  return { clauses: [], otherwise: action }
}

/** the argument's low 32 bits, masked, are one of `values` */
export function isOneOf(argument: Argument, values: readonly number[], mask = ALL_BITS): Condition {
  return { argument, half: 'low', mask, values, member: true }
}

/** the argument's low 32 bits, masked, are none of `values` */
export function isNoneOf(argument: Argument, values: readonly number[], mask = ALL_BITS): Condition {
  return { argument, half: 'low', mask, values, member: false }
}

/** at least one bit of `mask` is set in the argument's low 32 bits */
export function hasAny(argument: Argument, mask: number): Condition {
  return { argument, half: 'low', mask, values: [0], member: false }
}

/** no bit of `mask` is set in the argument's low 32 bits */
export function hasNone(argument: Argument, mask: number): Condition {
  return { argument, half: 'low', mask, values: [0], member: true }
}

/** the argument's high 32 bits are not all zero: with the low half, a pointer that is not null */
export function highIsSet(argument: Argument): Condition {
  return { argument, half: 'high', mask: ALL_BITS, values: [0], member: false }
}

/** allowed unless all the conditions hold; then `action` */
export function allowUnless(action: Action, ...when: readonly Condition[]): Rule {
  return { clauses: [{ when, action: action }], otherwise: ALLOW }
}

/** `action` unless all the conditions hold */
export function allowOnlyIf(action: Action, ...when: readonly Condition[]): Rule {
  return { clauses: [{ when, action: ALLOW }], otherwise: action }
}

/** What `rule` says of these arguments: the meaning that the compiled program must have. */
export function decide(rule: Rule, args: readonly bigint[]): Action {
  const clause = rule.clauses.find(({ when }) => when.every((condition) => holds(condition, args)))
  return clause?.action ?? rule.otherwise
}

function holds({ argument, half, mask, values, member }: Condition, args: readonly bigint[]): boolean {
  const whole = BigInt.asUintN(64, args[argument] ?? 0n)
  const word = half === 'low' ? whole & 0xffff_ffffn : whole >> 32n
  const masked = Number(word & BigInt(mask))
  return values.includes(masked) === member
}
