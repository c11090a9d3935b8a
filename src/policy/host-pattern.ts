import { canonicalAuthority, canonicalHostName } from './host-name.js'
import type { HostPattern } from './policy.js'
import { isPublicSuffix, wildcardCovers } from './wildcard.js'

/** What is wrong with a text, after the value itself, and what to write. */
export interface Refusal {
  readonly what: string
  readonly advice: string
}

/** The host of a rule: a name, `*.NAME` or an address. */
export function hostPattern(text: string): HostPattern | Refusal {
  if (text === '*')
    return { what: 'is every host.', advice: 'Write the hosts that the job needs, or public: {}.' }
  const wild = text.startsWith('*.')
  const rest = wild ? text.slice(2) : text
  if (rest.includes('*'))
    return { what: 'has "*" elsewhere than in front of a name.', advice: 'Write *.NAME, or the whole name.' }
  const host = canonicalHostName(rest)
  if ('what' in host) return host
  if (host.kind === 'address')
    return wild ? { what: 'is a wildcard on an address.', advice: 'Write the address alone.' } : host
  // RFC 6761, 6.3: no resolver asks anybody for it
  if (/(^|\.)localhost$/.test(host.name))
    return {
      what: "is the job's own loopback.",
      advice: "Write loopback: true for the job's own servers.",
    }
  return wild ? below(host.name) : host
}

function below(name: string): HostPattern | Refusal {
  return isPublicSuffix(name)
    ? {
        what: `covers ${name}, below which anyone may have a name.`,
        advice: `Write the whole name of the host, or *.NAME.${name}.`,
      }
    : { kind: 'below', name }
}

/** `HOST` or `HOST:PORT` of a rule, as `--allow-host` takes it. */
export function hostAndPort(text: string): { host: HostPattern; port: number | null } | Refusal {
  return canonicalAuthority(text, hostPattern)
}

/** The pattern as a policy spells it. */
export function patternText(pattern: HostPattern): string {
  if (pattern.kind === 'address') return pattern.address
  return pattern.kind === 'below' ? `*.${pattern.name}` : pattern.name
}

export function samePattern(a: HostPattern, b: HostPattern): boolean {
  return a.kind === b.kind && patternText(a) === patternText(b)
}

/** Whether every host of `inner` is one of `outer`. */
export function patternCovers(outer: HostPattern, inner: HostPattern): boolean {
  if (samePattern(outer, inner)) return true
  return outer.kind === 'below' && inner.kind !== 'address' && wildcardCovers(outer.name, inner.name)
}
