/** `--list`: what would be tried under a plan. Pure, as the probes' own decisions are. */
import type { Given, Probe } from '../probes/index.js'

export interface Listed {
  readonly id: string
  readonly claim: string
  readonly threat: string
  readonly tries: string
  /** why there is nothing to try; `null`: it is tried */
  readonly pointless: string | null
  /** why its control is tried with --unsafe-controls only; `null`: always */
  readonly unsafe: string | null
}

export function listing(probes: readonly Probe[], given: Given): Listed[] {
  const enforced = new Set(
    given.plan.claims.filter(({ status }) => status === 'enforced').map(({ id }) => id),
  )
  return probes
    .filter(({ claim }) => enforced.has(claim))
    .map(({ id, claim, threat, tries, trial }) => {
      const made = trial(given)
      return {
        id,
        claim,
        threat,
        tries,
        pointless: 'pointless' in made ? made.pointless : null,
        unsafe: 'pointless' in made ? null : (made.unsafe ?? null),
      }
    })
}

export function listingText(listed: readonly Listed[]): string[] {
  const width = Math.max(0, ...listed.map(({ id }) => id.length)) + 2
  const lines = listed.map(({ id, claim, tries, pointless, unsafe }) => {
    const note =
      pointless !== null ? ` - ${pointless}` : unsafe !== null ? ` (needs --unsafe-controls: ${unsafe})` : ''
    return `${id.padEnd(width)}${tries} [${claim}]${note}`
  })
  return [...lines, '', `${listed.length} ${listed.length === 1 ? 'probe' : 'probes'}. Nothing was run.`]
}
