import type { NetworkPlan, NetworkRule } from '../plan/index.js'
import { wildcardCovers } from '../policy/index.js'
import { classifyAddress } from './addresses.js'
import { isLoopbackName, isMetadataName, isPublicName } from './names.js'
import type { Denial } from './verdicts.js'

/** Where a connection leads, in canonical form: a name that was looked up, or an address that was dialled without one. */
export type Target =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'address'; readonly address: string }

export type PortProtocol = NetworkRule['ports'][number]['protocol']

export type RulesVerdict =
  | {
      readonly verdict: 'allow'
      /** that cover it, in the policy's order */
      readonly rules: readonly [NetworkRule, ...NetworkRule[]]
      readonly protocol: PortProtocol
      /** TLS is looked into */
      readonly inspect: boolean
    }
  | { readonly verdict: Denial }

/**
 * Which rules let a connection begin. Nobody has been asked for an address by then; what the name's addresses are, and what an
 * address among this host's own is, `classifyAddress` says.
 */
export function rulesFor(plan: NetworkPlan, target: Target, port: number): RulesVerdict {
  if (target.kind === 'name' && isMetadataName(target.name)) return { verdict: 'denyMetadata' }
  const hosts = plan.rules.filter((rule) => coversHost(rule.host, target))
  if (hosts.length === 0) return { verdict: withoutRule(target) }
  const found = hosts.flatMap((rule) => {
    const protocol = rule.ports.find((each) => each.port === port)?.protocol
    return protocol === undefined ? [] : [{ rule, protocol }]
  })
  const [first] = found
  if (first === undefined) return { verdict: 'denyPort' }
  // a port is one protocol: where rules differ, the first says which, and only those that agree add to it
  const inspect = first.rule.inspect && (first.protocol === 'tls' || first.protocol === 'web')
  const others = found
    .slice(1)
    .filter(
      ({ rule, protocol }) =>
        protocol === first.protocol && (rule.inspect === first.rule.inspect || protocol === 'http'),
    )
  return {
    verdict: 'allow',
    rules: [first.rule, ...others.map(({ rule }) => rule)],
    protocol: first.protocol,
    inspect,
  }
}

/** Whether the name has an address inside: some rule names it, on whatever port. `localhost` is the job's own matter. */
export function allowsName(plan: NetworkPlan, name: string): boolean {
  return (
    !isMetadataName(name) &&
    !isLoopbackName(name) &&
    plan.rules.some((rule) => coversHost(rule.host, { kind: 'name', name }))
  )
}

export function coversHost(host: NetworkRule['host'], target: Target): boolean {
  if (target.kind === 'address')
    return host.kind === 'address'
      ? host.address === target.address
      : host.kind === 'public' && isPublicAddress(target.address)
  if (host.kind === 'name') return host.name === target.name
  if (host.kind === 'below') return wildcardCovers(host.name, target.name)
  return host.kind === 'public' && isPublicName(target.name)
}

function isPublicAddress(address: string): boolean {
  return classifyAddress(address, [], []).verdict === 'allow'
}

/** What the address is says more to the report's reader than that no rule names it. */
function withoutRule(target: Target): Denial {
  if (target.kind === 'name') return 'denyName'
  const { verdict } = classifyAddress(target.address, [], [])
  return verdict === 'allow' ? 'denyLiteral' : verdict
}
