/** What a verification found, claim by claim; the object that `--json` prints and a receipt holds. Pure. */
import type { Claim, Plan, RequirementId } from '../../plan/index.js'
import { UNPROBED } from '../probes/index.js'
import type { Basis } from './basis.js'
import type { Status } from './judge.js'
import type { ProbeResult } from './verify.js'

/** `notTried`: enforced, but nothing inside can try it. `waived`: knowingly left off. The others as of a probe. */
export type ClaimStatus = Status | 'notTried' | 'waived'

export interface ClaimResult {
  readonly id: RequirementId
  readonly sentence: string
  readonly status: ClaimStatus
  /** why it does not apply or was not tried; of what broke, the probes say it */
  readonly why: string
  /** ids of those that ran */
  readonly probes: readonly string[]
}

export interface ProbeOutcome {
  readonly id: string
  readonly claim: RequirementId
  readonly threat: string
  readonly tries: string
  readonly status: Status
  readonly why: readonly string[]
  readonly ms: number
}

export type Counts = Readonly<Record<ClaimStatus, number>>

export interface Verification extends Basis {
  readonly format: 'glovebox-verification'
  readonly version: 1
  /** RFC 3339 */
  readonly startedAt: string
  readonly ms: number
  /** of `--only`: which claims and probes were asked for; `null`: all */
  readonly only: readonly string[] | null
  /** everything that was tried holds */
  readonly passed: boolean
  /** of claims */
  readonly counts: Counts
  readonly waivers: readonly string[]
  readonly claims: readonly ClaimResult[]
  readonly probes: readonly ProbeOutcome[]
}

export interface Found {
  readonly startedAt: string
  readonly ms: number
  readonly only: readonly string[] | null
  /** claims that are told of, whether they apply or not; `null`: all */
  readonly asked: readonly RequirementId[] | null
  readonly plan: Plan
  readonly results: readonly ProbeResult[]
}

export function verification(basis: Basis, found: Found): Verification {
  const { startedAt, ms, only, asked, plan, results } = found
  const claims = plan.claims
    .filter(({ id }) => asked === null || asked.includes(id))
    .map((claim) => claimResult(claim, results))
  const counts: Record<ClaimStatus, number> = {
    holds: 0,
    broken: 0,
    controlFailed: 0,
    notApplicable: 0,
    notTried: 0,
    waived: 0,
  }
  for (const { status } of claims) counts[status]++
  return {
    format: 'glovebox-verification',
    version: 1,
    startedAt,
    ms,
    only,
    passed: counts.broken === 0 && counts.controlFailed === 0,
    ...basis,
    counts,
    waivers: plan.waivers,
    claims,
    probes: results.map(({ probe: id, claim, threat, tries, status, why, ms: each }) => ({
      id,
      claim,
      threat,
      tries,
      status,
      why,
      ms: each,
    })),
  }
}

/** What a person should see first is what a claim is: one broken probe breaks it, one that proves nothing leaves it unproven. */
const GRAVEST_FIRST: readonly Status[] = ['broken', 'controlFailed', 'holds', 'notApplicable']

function claimResult(claim: Claim, results: readonly ProbeResult[]): ClaimResult {
  const { id, sentence } = claim
  const tried = results.filter((result) => result.claim === id)
  const made = { id, sentence, probes: tried.map(({ probe }) => probe) }
  if (claim.status === 'waived') return { ...made, status: 'waived', why: 'by the policy or a flag' }
  if (claim.status !== 'enforced')
    return { ...made, status: 'notApplicable', why: claim.absence ?? 'the policy asks for nothing of it' }
  const status = GRAVEST_FIRST.find((each) => tried.some((result) => result.status === each))
  if (status === undefined) return { ...made, status: 'notTried', why: whyNotTried(id) }
  const [first] = tried
  return { ...made, status, why: status === 'notApplicable' ? (first?.why.join('; ') ?? '') : '' }
}

function whyNotTried(id: RequirementId): string {
  return UNPROBED[id] ?? 'this version of Glovebox has no probe for it'
}
