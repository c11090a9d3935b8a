/** What a plan's network lets a job reach, in words. Pure. */
import type { NetworkPlan, NetworkRule } from '../plan/index.js'
import { formatDuration, formatSize } from '../units/index.js'

export function reachLines(network: NetworkPlan | null): string[] {
  if (network === null) return ['no network at all']
  const { budget, timeouts } = network
  return [
    ...network.rules.map(ruleLine),
    ...(network.loopback ? ['its own servers on 127.0.0.0/8 and ::1'] : []),
    'nothing else: no other host, port, address or protocol',
    `in all: ${budgetWords(budget)}`,
    `given up after ${formatDuration(timeouts.connectMs)} without a connection, ${formatDuration(timeouts.headMs)} without a request, ${formatDuration(timeouts.idleMs)} of silence`,
  ]
}

function ruleLine(rule: NetworkRule): string {
  return `${[`${hostWords(rule.host)}, ${portWords(rule)}`, ...boundWords(rule)].join('; ')} [${rule.name}]`
}

/** All that a rule says but its host, a phrase each. */
export function ruleWidth(rule: NetworkRule): string[] {
  return [portWords(rule), ...boundWords(rule)]
}

function boundWords(rule: NetworkRule): string[] {
  const parts = [
    ...(rule.methods === null
      ? []
      : [`${rule.methods.join(', ')} only${rule.inspect ? '' : ', where HTTP is clear'}`]),
    ...(rule.paths === null ? [] : [`paths ${rule.paths.join(', ')}`]),
    ...(rule.upgrade ? ['may become another protocol (Upgrade)'] : []),
    ...(rule.private.length === 0 ? [] : [`at addresses of ${rule.private.join(', ')}, too`]),
    budgetWords(rule.budget),
  ]
  return parts.filter((part) => part !== '')
}

const PROTOCOL = { tls: 'TLS', http: 'HTTP', tcp: 'any TCP', web: 'TLS or HTTP' } as const

/** The same where TLS ends in the gateway. */
const LOOKED_INTO = { ...PROTOCOL, tls: 'TLS, looked into', web: 'TLS, looked into, or HTTP' } as const

export function protocolWords(protocol: NetworkRule['ports'][number]['protocol'], inspect: boolean): string {
  return (inspect ? LOOKED_INTO : PROTOCOL)[protocol]
}

export function portWords({ ports, inspect }: Pick<NetworkRule, 'ports' | 'inspect'>): string {
  return `port ${ports.map(({ port, protocol }) => `${port} (${protocolWords(protocol, inspect)})`).join(', ')}`
}

export function hostWords(host: NetworkRule['host']): string {
  switch (host.kind) {
    case 'public':
      return 'any public host'
    case 'below':
      return `every host below ${host.name}`
    case 'name':
      return host.name
    case 'address':
      return host.address
  }
}

function budgetWords(budget: NetworkRule['budget']): string {
  const { maxUploadBytes, maxDownloadBytes, maxConnections, maxRate } = budget
  const words = [
    maxUploadBytes === null ? '' : `${formatSize(maxUploadBytes)} up`,
    maxDownloadBytes === null ? '' : `${formatSize(maxDownloadBytes)} down`,
    maxConnections === null ? '' : `${maxConnections} connections at once`,
    maxRate === null ? '' : `${maxRate} new ones a second`,
  ]
  return words.filter((word) => word !== '').join(', ')
}
