/**
 * Hosts that stand for all that two plans tell apart, so that what the gateway itself decides (`rulesFor`) can be asked of both. For each
 * wildcard there is a name below it that no rule names, for `public` such a name and such addresses; beside them and what rules name there
 * is nothing that a rule could be about.
 */
import { rulesFor, type Target } from '../../network/index.js'
import type { NetworkPlan, NetworkRule } from '../../plan/index.js'
import { hostWords } from '../reach.js'

export interface Point {
  readonly target: Target
  /** the hosts that it stands for */
  readonly words: string
}

export function points(...plans: readonly NetworkPlan[]): Point[] {
  const hosts = plans.flatMap(({ rules }) => rules.map(({ host }) => host))
  const taken = new Set(hosts.map((host) => (host.kind === 'address' ? host.address : nameOf(host))))
  const found = hosts.flatMap((host) =>
    targetsOf(host, taken).map((target) => ({ target, words: hostWords(host) })),
  )
  // a name of a rule may be written in several: once is enough
  return [...new Map(found.map((point) => [JSON.stringify(point.target), point])).values()]
}

/** Rules that let nobody in at any point, such as one for a metadata service: compared by the letter. */
export function opaqueRules(plan: NetworkPlan): string[] {
  const all = points(plan)
  return plan.rules
    .filter(
      (rule) => !all.some(({ target }) => rule.ports.some(({ port }) => isUsed(rule, plan, target, port))),
    )
    .map(({ name: _, ...rule }) => JSON.stringify(rule))
}

function isUsed(rule: NetworkRule, plan: NetworkPlan, target: Target, port: number): boolean {
  const found = rulesFor(plan, target, port)
  return found.verdict === 'allow' && found.rules.includes(rule)
}

function targetsOf(host: NetworkRule['host'], taken: ReadonlySet<string>): Target[] {
  switch (host.kind) {
    case 'name':
    case 'address':
      return [host]
    case 'below':
      return [{ kind: 'name', name: free(taken, (count) => `any${count}.${host.name}`) }]
    case 'public':
      return [
        { kind: 'name', name: free(taken, (count) => `any${count}.com`) },
        { kind: 'address', address: free(taken, (count) => `1.1.${count >> 8}.${count & 255}`) },
        { kind: 'address', address: free(taken, (count) => `2606:4700::${(count + 1).toString(16)}`) },
      ]
  }
}

const nameOf = (host: NetworkRule['host']) => ('name' in host ? host.name : '')

function free(taken: ReadonlySet<string>, spelled: (count: number) => string): string {
  for (let count = 0; ; count++) if (!taken.has(spelled(count))) return spelled(count)
}
