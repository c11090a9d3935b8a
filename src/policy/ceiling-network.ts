import { formatDuration } from '../units/index.js'
import { type AddressBlock, addressBlock, blockContains } from './address-block.js'
import type { Bound } from './ceiling-read.js'
import { patternCovers, patternText } from './host-pattern.js'
import { BUDGET_KEYS } from './network.js'
import type { Path } from './places.js'
import type { HostPattern, HostRule, NetworkPolicy, Protocol, PublicRule, RuleBudget } from './policy.js'
import { show } from './quote.js'

/** What a policy has above its ceiling: where, what (without the place of the bound), what to write. */
export interface Excess {
  readonly path: Path
  readonly what: string
  readonly advice: string
}

/** A number of the policy and the ceiling's, which binds when it is written. */
export type NumberRow = readonly [Path, number | null, Bound<number> | null, (value: number) => string]

/** What the ceiling lets jobs reach: its rules, and public hosts as one rule more. */
type Allowed = Omit<HostRule, 'host' | 'ports'> & {
  readonly covers: (host: HostPattern) => boolean
  readonly speaks: (port: number, protocol: Protocol) => boolean
  readonly name: string
}

/** Every rule of the policy that no single rule of the ceiling holds. */
export function networkAbove(policy: NetworkPolicy, ceiling: NetworkPolicy | null): Excess[] {
  if (ceiling === null)
    return [
      {
        path: ['network'],
        what: 'a network is above the ceiling, which has none',
        advice: 'Remove the section.',
      },
    ]
  const allowed = [
    ...ceiling.allow.map(fromRule),
    ...(ceiling.public === null ? [] : [fromPublic(ceiling.public)]),
  ]
  const excess = policy.allow.flatMap((rule, i) => ruleAbove(rule, ['network', 'allow', i], allowed, policy))
  if (policy.public !== null) excess.push(...publicAbove(policy.public, ceiling.public, policy))
  if (policy.loopback && !ceiling.loopback) {
    const path = ['network', 'loopback']
    excess.push({
      path,
      what: 'true is above the ceiling of false',
      advice: 'Write false, or remove the key.',
    })
  }
  return excess
}

function fromRule(rule: HostRule): Allowed {
  return {
    ...rule,
    covers: (host) => patternCovers(rule.host, host),
    speaks: (port, protocol) => rule.ports.some((each) => each.port === port && each.protocol === protocol),
    name: patternText(rule.host),
  }
}

/** Without a private block, a rule reaches nothing but public addresses. */
function fromPublic({ ports, inspect, methods, budget }: PublicRule): Allowed {
  return {
    covers: () => true,
    speaks: (port, protocol) => ports.includes(port) && protocol === spoken(port, protocol),
    name: 'any public host',
    inspect,
    methods,
    paths: null,
    upgrade: false,
    private: [],
    budget,
  }
}

/** Public hosts speak TLS on 443, HTTP on 80, either on other ports, and nothing else. */
function spoken(port: number, protocol: Protocol): Protocol {
  if (port === 443) return 'tls'
  return port === 80 || protocol === 'tcp' ? 'http' : protocol
}

function ruleAbove(rule: HostRule, path: Path, allowed: readonly Allowed[], policy: NetworkPolicy): Excess[] {
  const host = show(patternText(rule.host))
  const hosts = allowed.filter(({ covers }) => covers(rule.host))
  if (hosts.length === 0) {
    const most = allowed.length === 0 ? 'no host' : allowed.map(({ name }) => name).join(', ')
    return [
      {
        path,
        what: `${host} is above the ceiling, which lets jobs reach ${most}`,
        advice: 'Remove the rule.',
      },
    ]
  }
  for (const { port, protocol } of rule.ports) {
    const ports = hosts.filter(({ speaks }) => speaks(port, protocol))
    if (ports.length === 0)
      return [
        {
          path,
          what: `${protocol} on port ${port} of ${host} is above the ceiling`,
          advice: 'Remove the port.',
        },
      ]
    const lacks = ports.map((each) => lacking(rule, protocol, each, policy))
    const [first] = lacks
    if (first !== undefined && first !== null && !lacks.includes(null)) return [{ path, ...first }]
  }
  return []
}

/** What a rule on one port has more than this one of the ceiling, if anything. */
function lacking(
  rule: HostRule,
  protocol: Protocol,
  most: Allowed,
  policy: NetworkPolicy,
): Omit<Excess, 'path'> | null {
  const host = show(patternText(rule.host))
  const above = (what: string, advice: string) => ({
    what: `${what} of ${host} is above the ceiling`,
    advice,
  })
  // whoever writes the ceiling has TLS looked into to see what it holds; a policy that passes it unread takes that away
  if (protocol === 'tls' && most.inspect && !rule.inspect)
    return above('TLS that passes unread', 'Write inspect: true.')
  // where the ceiling lets TLS pass unread, whatever is read of it is less
  if (protocol === 'http' || (protocol === 'tls' && most.inspect)) {
    const set = ([key, mine, theirs]: readonly [
      string,
      readonly string[] | null,
      readonly string[] | null,
    ]) =>
      theirs !== null && (mine === null || mine.some((each) => !theirs.includes(each)))
        ? above(key, `Write ${key} of ${theirs.join(', ')}.`)
        : null
    const over = set(['methods', rule.methods, most.methods]) ?? set(['paths', rule.paths, most.paths])
    if (over !== null) return over
    if (rule.upgrade && !most.upgrade) return above('upgrade', 'Remove the key.')
  }
  const open = most.private.map(blockOf)
  const block = rule.private.find((each) => !open.some((outer) => blockContains(outer, blockOf(each))))
  if (block !== undefined) return above(`private block ${block}`, 'Remove the block.')
  return budgetAbove(rule.budget, most.budget, policy, above)
}

function publicAbove(rule: PublicRule, most: PublicRule | null, policy: NetworkPolicy): Excess[] {
  const path = ['network', 'public']
  if (most === null)
    return [
      { path, what: 'any public host is above the ceiling, which has no public', advice: 'Remove the key.' },
    ]
  const above = (what: string, advice: string) => ({ what: `${what} is above the ceiling`, advice })
  const { ports, methods } = most
  const port = rule.ports.find((each) => !ports.includes(each))
  if (port !== undefined) return [{ path, ...above(`port ${port}`, `Write ports of ${ports.join(', ')}.`) }]
  if (most.inspect && !rule.inspect && rule.ports.some((each) => each !== 80))
    return [{ path, ...above('TLS that passes unread', 'Write inspect: true.') }]
  // on 443 alone the ceiling reads no method, unless it looks into TLS: there is nothing to hold to it
  const read = most.inspect || rule.ports.some((each) => each !== 443)
  if (
    read &&
    methods !== null &&
    (rule.methods ?? [null]).some((each) => each === null || !methods.includes(each))
  )
    return [{ path, ...above('what methods allows', `Write methods of ${methods.join(', ')}.`) }]
  const over = budgetAbove(rule.budget, most.budget, policy, above)
  return over === null ? [] : [{ path, ...over }]
}

/** A rule without a bound of its own has the whole sandbox's. */
function budgetAbove(
  rule: RuleBudget,
  most: RuleBudget,
  policy: NetworkPolicy,
  above: (what: string, advice: string) => Omit<Excess, 'path'>,
): Omit<Excess, 'path'> | null {
  for (const [field, key, format] of BUDGET_KEYS) {
    const bound = most[field]
    const value = rule[field] ?? policy.budget[field]
    if (bound !== null && value > bound)
      return above(`${key} ${format(value)}`, `Write ${key}: ${format(bound)} or less.`)
  }
  return null
}

/** What the ceiling writes of the numbers of the whole section. */
export function networkNumbers(
  policy: NetworkPolicy,
  ceiling: NetworkPolicy,
  bound: (path: Path, value: number) => Bound<number> | null,
): NumberRow[] {
  const budgets = BUDGET_KEYS.map(([field, key, format]): NumberRow => {
    const path = ['network', key]
    return [path, policy.budget[field], bound(path, ceiling.budget[field]), format]
  })
  const times = (['connect', 'head', 'idle'] as const).map((key): NumberRow => {
    const path = ['network', 'timeouts', key]
    const field = `${key}Ms` as const
    return [path, policy.timeouts[field], bound(path, ceiling.timeouts[field]), formatDuration]
  })
  return [...budgets, ...times]
}

function blockOf(text: string): AddressBlock {
  const block = addressBlock(text)
  if ('what' in block) throw new TypeError('a block of a checked rule is none')
  return block
}
