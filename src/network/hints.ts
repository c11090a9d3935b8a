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
  const { name, address, port, method, path } = tried
  // `public` has no such keys: what it refuses needs a rule of its own
  const rule = tried.rule === 'network.public' ? null : tried.rule
  switch (tried.verdict) {
    case 'denyName':
    case 'denyLiteral':
    case 'denyPort':
      return allowLine(name ?? address, port, null)
    case 'denyUnknownName':
      return 'the address stands for no name that was asked for in this sandbox: let the job dial the name'
    case 'denyPrivate':
    case 'denyCgnat':
    case 'denyLinkLocal':
    case 'denyLoopback':
    case 'denyOwnAddress':
      return privateLine(tried, rule)
    case 'denyMethod':
      return method === undefined || tried.rule === null
        ? null
        : `add ${quoted(method)} to \`methods\` of ${tried.rule}`
    case 'denyPath':
      return path === undefined || rule === null
        ? null
        : `a path of ${rule} would have to match ${quoted(path)}`
    case 'denyUpgrade':
      return rule === null ? null : `write \`upgrade: true\` in ${rule}`
    case 'denyProtocol':
    case 'denyNoServerName':
      return rule === null
        ? null
        : `if the host speaks something else there, write \`protocol: tcp\` in ${rule}: it then passes unread`
    case 'denyHandshake':
      return tried.rule === null
        ? null
        : `if the program trusts one certificate only, its TLS can pass unread: without \`inspect: true\` in ${tried.rule}, and without a credential for the host`
    case 'denyBudget':
      return `raise the budget of ${tried.rule ?? 'network'}, if the job may use as much`
    case 'denyTimeout':
      return 'raise `timeouts` under network, if it may take as long'
    default:
      return null
  }
}

function allowLine(host: string | null, port: number | null, block: string | null): string | null {
  // the job's own words are put into no line that somebody may paste
  if (host === null || !/^[a-z0-9_.:-]{1,253}$/.test(host)) return null
  const written = host.includes(':') ? `"[${host}]"` : host
  const keys = [
    `host: ${written}`,
    ...(port === null || port === 443 ? [] : [`ports: [${port}]`]),
    ...(block === null ? [] : [`private: [${block}]`]),
  ]
  return `write \`- ${keys.length === 1 ? written : `{${keys.join(', ')}}`}\` under network.allow`
}

function privateLine({ name, address, port }: Tried, rule: string | null): string | null {
  if (address === null || !/^[0-9a-f.:]{2,45}$/.test(address)) return null
  const block = address.includes(':') ? `"${address}/128"` : `${address}/32`
  const line =
    rule === null ? allowLine(name ?? address, port, block) : `write \`private: [${block}]\` in ${rule}`
  return line === null ? null : `${line}, if the host may be there`
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
}
