import { patternCovers, patternText, samePattern } from './host-pattern.js'
import type { PlacedRule } from './host-rule.js'
import { formatPath, type Places } from './places.js'
import type { Problems } from './problems.js'
import { show } from './quote.js'

/** Two rules that can't both be meant: one port spoken two ways, or the same said twice with two bounds. */
export function compareRules(rules: readonly PlacedRule[], places: Places, problems: Problems): void {
  for (const [i, later] of rules.entries()) {
    for (const earlier of rules.slice(0, i)) {
      const clash = clashOf(earlier, later)
      if (clash === null) continue
      const { line } = places.of(earlier.path)
      const other = `${formatPath(earlier.path)}${line === null ? '' : ` (line ${line})`}`
      problems.add('policy.contradiction', later.path, `${clash.what} ${other}${clash.end}`, clash.advice)
      break
    }
  }
}

interface Clash {
  readonly what: string
  readonly end: string
  readonly advice: string
}

function clashOf(earlier: PlacedRule, later: PlacedRule): Clash | null {
  const shared = later.ports.flatMap(({ port, protocol }) => {
    const other = earlier.ports.find((each) => each.port === port)
    return other === undefined ? [] : [{ port, protocol, other: other.protocol }]
  })
  if (shared.length === 0 || !overlap(earlier, later)) return null
  const host = show(patternText(later.host))
  const split = shared.find(({ protocol, other }) => protocol !== other)
  if (split !== undefined)
    return {
      what: `${host} speaks ${split.protocol} on port ${split.port}, where`,
      end: ` speaks ${split.other}.`,
      advice: 'Write the same protocol in both.',
    }
  const looked = shared.find(({ protocol }) => protocol === 'tls')
  if (looked !== undefined && earlier.inspect !== later.inspect)
    return {
      what: `TLS of ${host} on port ${looked.port} is ${read(later)}, where`,
      end: ` has it ${read(earlier)}.`,
      advice: 'Write the same inspect in both.',
    }
  if (!samePattern(earlier.host, later.host) || !sameRequests(earlier, later)) return null
  return {
    what: `${host} on port ${shared[0]?.port} is what`,
    end: ' allows already.',
    advice: 'Keep one, or give them different methods or paths.',
  }
}

const read = ({ inspect }: PlacedRule) => (inspect ? 'looked into' : 'passed on unread')

function overlap(a: PlacedRule, b: PlacedRule): boolean {
  return patternCovers(a.host, b.host) || patternCovers(b.host, a.host)
}

function sameRequests(a: PlacedRule, b: PlacedRule): boolean {
  return JSON.stringify([a.methods, a.paths]) === JSON.stringify([b.methods, b.paths])
}
