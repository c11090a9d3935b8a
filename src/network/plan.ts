import type { NetworkPlan, NetworkRule } from '../plan/index.js'
import type { HostRule, NetworkPolicy, PublicRule } from '../policy/index.js'

/**
 * Where the sandbox's resolv.conf points. In 198.18.0.0/15, which no host on any network has (RFC 2544); the rest of that block
 * stands for names.
 */
export const RESOLVER = '198.18.0.53'

/** The policy's section as the gateway reads it. */
export function networkPlan(policy: NetworkPolicy | null): NetworkPlan | null {
  if (policy === null) return null
  const { allow, loopback, budget, timeouts } = policy
  const rules = [...allow.map(hostRule), ...(policy.public === null ? [] : [publicRule(policy.public)])]
  return { rules, loopback, resolver: RESOLVER, budget, timeouts }
}

function hostRule(rule: HostRule, index: number): NetworkRule {
  return { name: `network.allow[${index}]`, ...rule }
}

function publicRule({ ports, inspect, methods, budget }: PublicRule): NetworkRule {
  return {
    name: 'network.public',
    host: { kind: 'public' },
    ports: ports.map((port) => ({ port, protocol: port === 443 ? 'tls' : port === 80 ? 'http' : 'web' })),
    inspect,
    methods,
    paths: null,
    upgrade: false,
    private: [],
    budget,
  }
}
