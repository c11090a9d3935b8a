import { formatSize, parseDuration, parseSize } from '../units/index.js'
import * as bounds from './bounds.js'
import type { CredentialHost } from './credential-policy.js'
import { readHostRules, ruleBudget, sorted } from './host-rule.js'
import type { Path, Places } from './places.js'
import type { HostRule, NetworkBudget, NetworkPolicy, PublicRule, RuleBudget } from './policy.js'
import type { Problems } from './problems.js'
import { compareRules } from './rule-clash.js'
import type { PolicyDocument } from './schema.js'

type WrittenNetwork = NonNullable<PolicyDocument['network']>

/**
 * The section `network` in its canonical form; `null` when it is absent, or when something in it is wrong.
 * @param inspected hosts of credentials
 */
export function readNetwork(
  written: unknown,
  places: Places,
  problems: Problems,
  inspected: readonly CredentialHost[] = [],
): NetworkPolicy | null {
  if (typeof written !== 'object' || written === null) return null
  const rules = readHostRules((written as WrittenNetwork).allow, problems, inspected)
  compareRules(rules, places, problems)
  if (problems.within(['network'])) return null
  const section = written as WrittenNetwork
  const allow = rules.map(({ path: _, ...rule }) => rule)
  const network: NetworkPolicy = {
    allow,
    public: section.public === undefined ? null : publicRule(section.public, problems),
    loopback: section.loopback ?? false,
    budget: wholeBudget(section),
    timeouts: timeouts(section.timeouts ?? {}),
  }
  for (const [i, rule] of rules.entries())
    checkLoopback(rule, network.loopback, ['network', 'allow', i], problems)
  for (const rule of rules) checkBudget(rule.budget, network.budget, rule.path, problems)
  if (network.public !== null)
    checkBudget(network.public.budget, network.budget, ['network', 'public'], problems)
  return problems.within(['network']) ? null : network
}

function publicRule(written: NonNullable<WrittenNetwork['public']>, problems: Problems): PublicRule {
  const ports = [...new Set(written.ports ?? bounds.PUBLIC_PORTS)].sort((a, b) => a - b)
  const inspect = written.inspect ?? false
  if (inspect && ports.every((port) => port === 80))
    problems.addKey(
      'policy.contradiction',
      ['network', 'public', 'inspect'],
      'looks into TLS, and port 80 speaks clear HTTP.',
      'Add port 443, or remove the key.',
    )
  if (written.methods !== undefined && !inspect && ports.every((port) => port === 443)) {
    const what = 'bind on HTTP that is read, and TLS on port 443 passes unread here.'
    problems.addKey(
      'policy.contradiction',
      ['network', 'public', 'methods'],
      what,
      'Write inspect: true, add port 80, or remove the key.',
    )
  }
  return { ports, inspect, methods: sorted(written.methods), budget: ruleBudget(written) }
}

/** One address can't be this host's and the job's own. */
function checkLoopback({ host }: HostRule, loopback: boolean, path: Path, problems: Problems): void {
  if (!loopback || host.kind !== 'address' || !/^(127\.|::1$)/.test(host.address)) return
  const what = `${host.address} is the job's own with loopback: true.`
  problems.add('policy.contradiction', path, what, 'Remove the rule, or loopback.')
}

function wholeBudget(written: WrittenNetwork): NetworkBudget {
  return {
    maxUploadBytes: parseSize(written.maxUpload ?? bounds.UPLOAD.initial) ?? 0,
    maxDownloadBytes: parseSize(written.maxDownload ?? bounds.DOWNLOAD.initial) ?? 0,
    maxConnections: written.maxConnections ?? bounds.CONNECTIONS.initial,
    maxRate: written.maxRate ?? bounds.RATE.initial,
  }
}

/** Where a budget is written, and how its value is spelled. */
export const BUDGET_KEYS = [
  ['maxUploadBytes', 'maxUpload', formatSize],
  ['maxDownloadBytes', 'maxDownload', formatSize],
  ['maxConnections', 'maxConnections', String],
  ['maxRate', 'maxRate', String],
] as const

/** A rule's bound above the whole sandbox's would never be reached: its writer expects something else. */
function checkBudget(rule: RuleBudget, whole: NetworkBudget, path: Path, problems: Problems): void {
  for (const [field, key, format] of BUDGET_KEYS) {
    const value = rule[field]
    if (value === null || value <= whole[field]) continue
    const most = format(whole[field])
    const what = `${format(value)} is more than the ${most} of the whole sandbox.`
    const advice = `Write ${most} or less, or network.${key}: ${format(value)}.`
    problems.add('policy.contradiction', [...path, key], what, advice)
  }
}

function timeouts(written: NonNullable<WrittenNetwork['timeouts']>): NetworkPolicy['timeouts'] {
  return {
    connectMs: parseDuration(written.connect ?? bounds.CONNECT_TIMEOUT.initial) ?? 0,
    headMs: parseDuration(written.head ?? bounds.HEAD_TIMEOUT.initial) ?? 0,
    idleMs: parseDuration(written.idle ?? bounds.IDLE_TIMEOUT.initial) ?? 0,
  }
}
