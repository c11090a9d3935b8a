/** A verification as a person reads it. Pure. */
import type { Basis } from './basis.js'
import type { ClaimResult, ClaimStatus, ProbeOutcome, Verification } from './verification.js'

const MARK: Readonly<Record<ClaimStatus, string>> = {
  holds: 'holds',
  broken: 'BROKEN',
  controlFailed: 'CONTROL FAILED',
  notApplicable: '-',
  notTried: 'not tried',
  waived: 'WAIVED',
}
const MARK_WIDTH = 16
const MARGIN = ' '.repeat(MARK_WIDTH)

/** One line a claim, and below it each probe that did not hold; with `verbose` every probe. */
export function verificationText(found: Verification, { verbose = false } = {}): string[] {
  const width = Math.max(0, ...found.claims.map(({ id }) => id.length)) + 2
  const lines = found.claims.flatMap((claim) => {
    const probes = found.probes.filter(({ id }) => claim.probes.includes(id))
    const head = `${MARK[claim.status].padEnd(MARK_WIDTH)}${claim.id.padEnd(width)}${tellClaim(claim, probes)}`
    return [head.trimEnd(), ...probes.flatMap((probe) => probeLines(probe, verbose))]
  })
  return [...lines, '', ...summary(found)]
}

function tellClaim({ status, why }: ClaimResult, probes: readonly ProbeOutcome[]): string {
  if (status === 'notApplicable' || status === 'notTried' || status === 'waived') return why
  const held = probes.filter((probe) => probe.status === 'holds').length
  const tried = probes.filter((probe) => probe.status !== 'notApplicable').length
  const all = counted(tried, 'probe')
  return status === 'holds' ? all : `${held} of ${all} held`
}

function probeLines({ id, tries, status, why }: ProbeOutcome, verbose: boolean): string[] {
  const bad = status === 'broken' || status === 'controlFailed'
  if (!bad && !verbose) return []
  const mark = status === 'broken' ? 'reached' : status === 'controlFailed' ? 'proves nothing' : MARK[status]
  return [`${MARGIN}${id}: ${tries}`, ...why.map((each) => `${MARGIN}  ${mark}: ${each}`)]
}

function summary(found: Verification): string[] {
  const { counts, probes, host, versions, ms, claims } = found
  const parts = [
    `${counts.holds} hold`,
    `${counts.broken} broken`,
    ...(counts.controlFailed === 0 ? [] : [`${counts.controlFailed} not proven (a control failed)`]),
    ...(counts.waived === 0 ? [] : [`${counts.waived} waived`]),
    `${counts.notApplicable} not applicable`,
    `${counts.notTried} not tried`,
  ]
  const lines = [
    `${counted(claims.length, 'claim')}: ${parts.join(', ')}. ${counted(probes.length, 'probe')} in ${seconds(ms)}.`,
    hostLine(host, versions),
  ]
  if (found.only !== null)
    lines.push(`Only ${found.only.join(', ')}: the rest was not looked at, and no receipt was written.`)
  if (claims.some(({ id, status }) => id.startsWith('credentials.') && status !== 'notApplicable'))
    lines.push('Credentials were tried with decoys for values: no source of the policy was asked.')
  if (counts.broken > 0)
    lines.push('What is BROKEN does not hold on this host: run nothing hostile under this policy here.')
  if (counts.controlFailed > 0)
    lines.push('Where a CONTROL FAILED the same attempt failed without a sandbox too, so it proves nothing.')
  return lines
}

function hostLine(host: Basis['host'], { glovebox, wall }: Basis['versions']): string {
  const user = host.user === 'root' ? 'root' : 'an ordinary user'
  return `Linux ${host.kernel} on ${host.arch}, as ${user}; Glovebox ${glovebox}, ${wall ?? 'its boundary of an unknown version'}.`
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
