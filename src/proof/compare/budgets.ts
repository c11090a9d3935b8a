/** How much may pass, where a rule is split, joined or given another bound. Pure. */
import { type PortProtocol, rulesFor } from '../../network/index.js'
import type { NetworkPlan, NetworkRule } from '../../plan/index.js'
import type { RuleBudget } from '../../policy/index.js'
import { formatSize } from '../../units/index.js'
import { hostWords } from '../reach.js'
import type { Gain } from './difference.js'
import { points } from './network-points.js'
import { decider, samples } from './requests.js'

export const BUDGETS: readonly (readonly [keyof RuleBudget, (value: number) => string])[] = [
  ['maxUploadBytes', formatSize],
  ['maxDownloadBytes', formatSize],
  ['maxConnections', String],
  ['maxRate', String],
]

/**
 * A bound is of all connections of its rule together. So what one old rule bounded may now have the bounds of all rules that took
 * over something of it, added up; never more than the sandbox's own bound, of which there is a line elsewhere.
 */
export function budgetGains(old: NetworkPlan, now: NetworkPlan): Gain[] {
  const heirs = successors(old, now)
  return old.rules.flatMap((rule) => {
    // what was split off one rule of the policy shares its bound
    const after = [...new Map([...(heirs.get(rule) ?? [])].map((heir) => [heir.name, heir])).values()]
    if (after.length === 0) return []
    return BUDGETS.flatMap(([field, words]): Gain[] => {
      const most = old.budget[field]
      const bound = (value: number | null) => Math.min(most, value ?? Number.POSITIVE_INFINITY)
      const had = bound(rule.budget[field])
      const has = bound(sum(after.map(({ budget }) => budget[field])))
      if (has <= had) return []
      const together = after.length > 1 ? ', together' : ''
      return [
        {
          part: 'reach',
          subject: after.map(({ name }) => name).join(', '),
          what: `${field.replace('Bytes', '')} of ${hostWords(rule.host)}${together}`,
          grown: true,
          had: words(had),
          has: words(has),
        },
      ]
    })
  })
}

/** `null`: one of them has no bound of its own. */
function sum(values: readonly (number | null)[]): number | null {
  return values.reduce((total, value) => (total === null || value === null ? null : total + value), 0)
}

/** For each old rule, the new ones that decide something that it decided. */
function successors(old: NetworkPlan, now: NetworkPlan): Map<NetworkRule, Set<NetworkRule>> {
  const heirs = new Map<NetworkRule, Set<NetworkRule>>()
  const ports = [...new Set(now.rules.flatMap((rule) => rule.ports.map(({ port }) => port)))]
  for (const { target } of points(old, now))
    for (const port of ports) {
      const [before, after] = [rulesFor(old, target, port), rulesFor(now, target, port)]
      if (before.verdict !== 'allow' || after.verdict !== 'allow') continue
      for (const [rule, heir] of passages(before, after))
        heirs.set(rule, (heirs.get(rule) ?? new Set()).add(heir))
    }
  return heirs
}

interface Found {
  readonly rules: readonly [NetworkRule, ...NetworkRule[]]
  readonly protocol: PortProtocol
  readonly inspect: boolean
}

/** Who decides what, before and after: what is passed on unread by the first rule, requests one by one. */
function passages(before: Found, after: Found): (readonly [NetworkRule, NetworkRule])[] {
  const unread = [before, after].every(({ protocol, inspect }) => protocol !== 'http' && !inspect)
  const requests = samples([...before.rules, ...after.rules]).flatMap((sample) => {
    const [rule, heir] = [before, after].map(({ rules, protocol, inspect }) =>
      protocol === 'http' || protocol === 'web' || inspect ? decider(rules, sample) : rules[0],
    )
    return rule === undefined || heir === undefined ? [] : [[rule, heir] as const]
  })
  return [...(unread ? [[before.rules[0], after.rules[0]] as const] : []), ...requests]
}
