import { type PortProtocol, rulesFor } from '../../network/index.js'
import type { NetworkPlan, NetworkRule } from '../../plan/index.js'
import { formatDuration } from '../../units/index.js'
import { hostWords, protocolWords, ruleWidth } from '../reach.js'
import { BUDGETS, budgetGains } from './budgets.js'
import { type Gain, numberGains } from './difference.js'
import { type Point, points } from './network-points.js'
import { blocksBeyond } from './private-blocks.js'
import { missing, requestsOf } from './requests.js'

/** What `now` lets a job reach and `old` does not. Which rule decides is asked of the gateway's own functions, not of the text. */
export function networkGains(old: NetworkPlan | null, now: NetworkPlan | null): Gain[] {
  if (now === null) return []
  if (old === null) {
    const none = { ...now, rules: [], loopback: false }
    return [
      gain('network', 'a network, in which every connection ends in the gateway'),
      ...reachGains(none, now),
    ]
  }
  return [
    ...reachGains(old, now),
    ...budgetGains(old, now),
    ...numberGains('reach', [
      ...BUDGETS.map(
        ([field, words]) =>
          [`network.${field.replace('Bytes', '')}`, old.budget[field], now.budget[field], words] as const,
      ),
      ['network.timeouts.connect', old.timeouts.connectMs, now.timeouts.connectMs, formatDuration],
      ['network.timeouts.head', old.timeouts.headMs, now.timeouts.headMs, formatDuration],
      ['network.timeouts.idle', old.timeouts.idleMs, now.timeouts.idleMs, formatDuration],
    ]),
  ]
}

function reachGains(old: NetworkPlan, now: NetworkPlan): Gain[] {
  const all = points(old, now)
  return [
    ...now.rules.flatMap((rule) => ruleGains(rule, old, now, all)),
    ...(now.loopback && !old.loopback
      ? [gain('network.loopback', 'its own servers on 127.0.0.0/8 and ::1')]
      : []),
  ]
}

function gain(subject: string, what: string): Gain {
  return { part: 'reach', subject, what, grown: false, had: null, has: what }
}

const KINDS = ['host', 'port', 'protocol', 'method', 'path', 'upgrade', 'private'] as const

interface Lack {
  readonly kind: (typeof KINDS)[number]
  readonly words: string
}

/** One line for each respect in which no rule of `old` holds this one. */
function ruleGains(rule: NetworkRule, old: NetworkPlan, now: NetworkPlan, all: readonly Point[]): Gain[] {
  const used = all.flatMap((point) =>
    rule.ports
      .filter(({ port }) => rulesAt(now, point, port).includes(rule))
      .map((each) => ({ point, ...each })),
  )
  const lacks = used.flatMap(({ point, port, protocol }) => lacksAt(rule, point, port, protocol, old, now))
  if (lacks.length === 0) return []
  const near = old.rules.filter((each) =>
    each.ports.some(({ port }) => used.some(({ point }) => rulesAt(old, point, port).includes(each))),
  )
  const has = ruleWords(rule)
  if (near.length === 0) return [{ ...gain(rule.name, has), has }]
  const had = near.map(ruleWords).join(' | ')
  return KINDS.filter((kind) => lacks.some((lack) => lack.kind === kind)).map((kind) => {
    const words = lacks.filter((lack) => lack.kind === kind).map((lack) => lack.words)
    return {
      part: 'reach',
      subject: rule.name,
      what: listed(words, hostWords(rule.host)),
      grown: true,
      had,
      has,
    }
  })
}

/** In what of these respects `old` does not hold the rule at one host and port. */
function lacksAt(
  rule: NetworkRule,
  point: Point,
  port: number,
  protocol: PortProtocol,
  old: NetworkPlan,
  now: NetworkPlan,
): Lack[] {
  const found = rulesFor(old, point.target, port)
  if (found.verdict === 'denyPort')
    return [
      { kind: 'port', words: `port ${port} (${protocolWords(protocol, rule.inspect)}) of ${point.words}` },
    ]
  if (found.verdict !== 'allow') return [{ kind: 'host', words: point.words }]
  const where = `on port ${port} of ${point.words}`
  const inspect = rule.inspect && (protocol === 'tls' || protocol === 'web')
  const unread = protocol !== 'http' && !inspect
  if (!speaks(found.protocol, protocol) || (unread && found.inspect))
    return [{ kind: 'protocol', words: `${protocolWords(protocol, inspect)} ${where}` }]
  const rules = rulesAt(now, point, port)
  const lacks: Lack[] = []
  // what is passed on unread is the first rule's alone
  if (unread && rules[0] === rule)
    lacks.push(...beyond(blocksBeyond(found.rules[0].private, rule.private), where))
  if (unread && protocol !== 'web') return lacks
  // what passed unread could be any request
  if (found.protocol === 'tcp' || (protocol === 'tls' && !found.inspect))
    return [...lacks, ...beyond(blocksBeyond(found.rules[0].private, rule.private), where)]
  for (const requests of requestsOf(rule, [...rules, ...found.rules])) {
    const lack = missing(requests, rule, rules, found.rules)
    if (lack === null) continue
    if (lack.kind === 'private') lacks.push(...beyond(lack.blocks, where))
    else if (lack.kind === 'method')
      lacks.push({ kind: 'method', words: `${requests.method ?? 'any other method'} ${where}` })
    else if (lack.kind === 'path')
      lacks.push({ kind: 'path', words: `${requests.path ?? 'any path'} ${where}` })
    else lacks.push({ kind: 'upgrade', words: `Upgrade ${where}` })
  }
  return lacks
}

function beyond(blocks: readonly string[], where: string): Lack[] {
  return blocks.map((block) => ({ kind: 'private', words: `addresses of ${block} ${where}` }))
}

/** Whether a port that passes the one passes the other: `tcp` is any bytes, `web` is either of the other two. */
function speaks(old: PortProtocol, now: PortProtocol): boolean {
  return old === now || old === 'tcp' || (old === 'web' && now !== 'tcp')
}

function rulesAt(plan: NetworkPlan, { target }: Point, port: number): readonly NetworkRule[] {
  const found = rulesFor(plan, target, port)
  return found.verdict === 'allow' ? found.rules : []
}

const ruleWords = (rule: NetworkRule) => [hostWords(rule.host), ...ruleWidth(rule)].join('; ')

const MOST = 8

/** Each once. Where the rule's own hosts are among them, names below those say nothing more. */
function listed(words: readonly string[], own: string): string {
  const each = words.includes(own) ? [own] : [...new Set(words)]
  return each.length <= MOST
    ? each.join(', ')
    : `${each.slice(0, MOST).join(', ')} and ${each.length - MOST} more`
}
