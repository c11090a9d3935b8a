import type { Plan } from '../../plan/index.js'
import { type Change, type Difference, type PartId, widens } from './difference.js'
import { comparePlans } from './plans.js'

/** One side of a comparison. */
export interface Side {
  /** what the caller called it: a file, a profile, or the flags alone */
  readonly policy: string
  readonly policySha256: string
  readonly plan: Plan
}

export interface Comparison {
  readonly against: { readonly policy: string; readonly policySha256: string }
  readonly policy: string
  readonly policySha256: string
  /** whether a job gets more than it did, or may: what a ratchet asks */
  readonly widened: boolean
  readonly differences: readonly Difference[]
}

export function comparison(old: Side, now: Side): Comparison {
  const differences = comparePlans(old.plan, now.plan)
  return {
    against: { policy: old.policy, policySha256: old.policySha256 },
    policy: now.policy,
    policySha256: now.policySha256,
    widened: widens(differences),
    differences,
  }
}

const MARK: Record<Change, string> = {
  appeared: 'WIDER     new',
  widened: 'WIDER        ',
  changed: 'CHANGED      ',
  narrowed: 'narrower     ',
  disappeared: 'narrower gone',
}

const PARTS: readonly (readonly [PartId, string])[] = [
  ['out', 'Can it get out?'],
  ['reach', 'What can it reach?'],
  ['touch', 'What can it read, write and use?'],
  ['amount', 'How long, and how much?'],
]

/** Lines for a person. */
export function comparisonText({ against, policy, differences, widened, ...rest }: Comparison): string[] {
  const sha = (text: string) => text.slice(0, 12)
  const changed = differences.some(({ change }) => change === 'changed')
  return [
    `${policy} (${sha(rest.policySha256)}) against ${against.policy} (${sha(against.policySha256)}), on this host.`,
    '',
    ...PARTS.flatMap(([id, title]) => {
      const lines = differences.filter(({ part }) => part === id).flatMap(differenceLines)
      return lines.length === 0 ? [] : [title, ...lines, '']
    }),
    ...(changed
      ? ['CHANGED: which of the two lets a job do more can not be said here, so it counts as wider.']
      : []),
    differences.length === 0
      ? 'Nothing is wider, narrower or different.'
      : widened
        ? 'A job can do more than before.'
        : 'No job can do more than before.',
  ]
}

function differenceLines({ change, subject, what, before, after }: Difference): string[] {
  const head = `  ${MARK[change]}  ${subject}${what === '' ? '' : `: ${what}`}`
  if (change === 'appeared' || change === 'disappeared') return [head]
  if (before === null && after === null) return [head]
  const short = `${before ?? 'nothing'} → ${after ?? 'nothing'}`
  if (what === '' && short.length < 80) return [`${head}: ${short}`]
  return [
    head,
    `                   before: ${before ?? 'nothing'}`,
    `                   now:    ${after ?? 'nothing'}`,
  ]
}
