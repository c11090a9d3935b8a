import type { NetworkAttempt } from '../report/index.js'
import type { Verdict } from './verdicts.js'

export type Tried = Pick<
  NetworkAttempt,
  'protocol' | 'name' | 'address' | 'port' | 'rule' | 'method' | 'path'
> & {
  readonly verdict: Verdict
}

/**
 * Which line of the policy would allow it, for the caller to judge; `null` where none would. Never for the job, to which a policy is
 * nobody's business.
 */
export function hint(tried: Tried): string | null {
  const { name, address, port, rule } = tried
  switch (tried.verdict) {
    case 'denyName':
    case 'denyLiteral':
    case 'denyPort':
      return allowLine(name ?? address, port)
    case 'denyUnknownName':
      return 'the address was made up or kept from another sandbox: dial the name'
    case 'denyPrivate':
    case 'denyCgnat':
    case 'denyLinkLocal':
    case 'denyLoopback':
    case 'denyOwnAddress':
      return privateLine(tried)
    case 'denyMethod':
      return tried.method === undefined
        ? null
        : `add ${quoted(tried.method)} to \`methods\` of ${ofRule(rule)}`
    case 'denyPath':
      return `a path of ${ofRule(rule)} would have to match${tried.path === undefined ? '' : ` ${quoted(tried.path)}`}`
    case 'denyUpgrade':
      return `write \`upgrade: true\` in ${ofRule(rule)}`
    case 'denyProtocol':
    case 'denyNoServerName':
      return port === null
        ? null
        : `where it is no TLS by design, say so: \`protocol\` of port ${port} in ${ofRule(rule)}`
    case 'denyBudget':
      return `raise the budget of ${rule ?? 'network'}, if the job may move as much`
    case 'denyTimeout':
      return 'raise `timeouts` under network, if the host may take as long'
    default:
      return null
  }
}

function allowLine(host: string | null, port: number | null): string | null {
  // what is no plain host is not put into a line that somebody may paste
  if (host === null || !/^[a-z0-9_.:-]{1,253}$/.test(host)) return null
  const written = host.includes(':') ? `"${host}"` : host
  const line = port === null || port === 443 ? `- ${written}` : `- {host: ${written}, ports: [${port}]}`
  return `write \`${line}\` under network.allow`
}

function privateLine({ name, address, port, rule }: Tried): string | null {
  if (address === null || !/^[0-9a-f.:]{2,45}$/.test(address)) return null
  const block = address.includes(':') ? `"${address}/128"` : `${address}/32`
  if (rule !== null) return `write \`private: [${block}]\` in ${rule}, if the host may be there`
  const host = allowLine(name ?? address, port ?? 443)
  return host === null ? null : `${host}, with \`private: [${block}]\``
}

function ofRule(rule: string | null): string {
  return rule ?? 'a rule for the host'
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
}
