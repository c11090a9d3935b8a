import type { NetworkPlan, NetworkRule } from '../plan/index.js'
import type { HostRule, NetworkPolicy, PublicRule } from '../policy/index.js'
import { coversHost } from './rules.js'

/**
 * Where the sandbox's resolv.conf points. In 198.18.0.0/15, which no host on any network has (RFC 2544); the rest of that block
 * stands for names.
 */
export const RESOLVER = '198.18.0.53'

/** A host whose TLS is looked into, whatever its rules say. */
export interface Inspected {
  /** canonical */
  readonly name: string
  readonly port: number
}

/** The policy's section as the gateway reads it. */
export function networkPlan(
  policy: NetworkPolicy | null,
  inspected: readonly Inspected[] = [],
): NetworkPlan | null {
  if (policy === null) return null
  const { allow, loopback, budget, timeouts } = policy
  const written = [...allow.map(hostRule), ...(policy.public === null ? [] : [publicRule(policy.public)])]
  const rules = lookingInto(written, inspected)
  return { rules, loopback, resolver: RESOLVER, budget, timeouts }
}

/**
 * The rules, with TLS of these hosts looked into and of no other. What passes unread is its first rule's alone, so that one is made to
 * look; no other rule gets a say by it. Where it is about more than the host, what is looked into comes first, as a rule of its own:
 * both have the name of the one that was written, and so its bounds together.
 */
function lookingInto(rules: readonly NetworkRule[], inspected: readonly Inspected[]): NetworkRule[] {
  return rules.flatMap((rule) => {
    const own = inspected.filter((each) => rule === rules.find((other) => isAbout(other, each)))
    const names = rule.inspect ? [] : [...new Set(own.map(({ name }) => name))]
    const looked = names.map((name): NetworkRule => {
      const ports = rule.ports.filter(({ port }) =>
        own.some((each) => each.name === name && each.port === port),
      )
      return { ...rule, host: { kind: 'name', name }, ports, inspect: true }
    })
    if (rule.host.kind !== 'name') return [...looked, rule]
    const ports = rule.ports.filter((each) => !looked.some((other) => other.ports.includes(each)))
    return ports.length === 0 ? looked : [...looked, { ...rule, ports }]
  })
}

function isAbout({ host, ports }: NetworkRule, { name, port }: Inspected): boolean {
  return coversHost(host, { kind: 'name', name }) && ports.some((each) => each.port === port)
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
