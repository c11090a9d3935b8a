/** What a plan enforces, in words. Reads the plan, never the policy: it can't promise what is not enforced. Pure. */
import type { KernelSurface } from '../boundary/index.js'
import type { Claim, Plan } from '../plan/index.js'
import { variablesOf } from '../policy/index.js'
import { formatSize } from '../units/index.js'
import { type Opening, openings } from './openings.js'
import { type Part, parts } from './parts.js'
import { type Wall, walls } from './walls.js'

export interface Explanation {
  readonly boundary: string
  readonly policySha256: string
  readonly kernel: KernelSurface
  readonly files: Plan['files']
  readonly network: Plan['network']
  /** who receives what; no value is in it */
  readonly credentials: Plan['credentials']
  readonly limits: Plan['limits']
  readonly lifetime: Plan['lifetime']
  readonly syscalls: Plan['syscalls']
  /** names only: a value may be a secret */
  readonly env: readonly string[]
  /** round the job, from it outwards */
  readonly walls: readonly Wall[]
  /** in the walls, all that there are */
  readonly openings: readonly Opening[]
  /** the blast radius, in words */
  readonly parts: readonly Part[]
  readonly claims: readonly Claim[]
  readonly waivers: readonly string[]
  /** what a reader should think twice about */
  readonly warnings: readonly string[]
}

export function explanation(
  plan: Plan,
  kernel: KernelSurface,
  policySha256: string,
  warnings: readonly string[],
): Explanation {
  const { boundary, files, network, credentials, limits, lifetime, syscalls, claims, waivers } = plan
  return {
    boundary,
    policySha256,
    kernel,
    files,
    network,
    credentials,
    limits,
    lifetime,
    syscalls,
    env: [...Object.keys(plan.env), ...credentials.flatMap(variablesOf)],
    walls: walls(plan),
    openings: openings(plan),
    parts: parts(plan, kernel),
    claims,
    waivers,
    warnings: [...warnings, ...waiverWarnings(plan)],
  }
}

function waiverWarnings(plan: Plan): string[] {
  const perProcess = plan.limits.perProcessMemoryBytes
  return plan.waivers.map((name) =>
    name === 'limits.memory' && perProcess !== null
      ? `${name} is waived: each process is held to ${formatSize(perProcess)}, all of them together to nothing.`
      : `${name} is waived: nothing bounds it.`,
  )
}

const MARK: Record<Claim['status'], string> = {
  enforced: 'yes   ',
  waived: 'WAIVED',
  impossible: 'NO    ',
  notApplicable: '  -   ',
}

/** Lines for a person. */
export function explanationText(explained: Explanation): string[] {
  return [
    `Boundary: ${explained.boundary}. Policy ${explained.policySha256.slice(0, 12)}.`,
    '',
    ...explained.parts.flatMap(({ title, lines }) => section(title, lines)),
    ...(explained.warnings.length > 0 ? section('Think twice:', explained.warnings) : []),
    'Promises, and what keeps them:',
    ...explained.claims.flatMap(claimLines),
  ]
}

function section(title: string, lines: readonly string[]): string[] {
  return [title, ...lines.map((line) => `  ${line}`), '']
}

function claimLines(claim: Claim): string[] {
  const lines = [`  ${MARK[claim.status]}  ${claim.id}: ${claim.sentence}`]
  if (claim.by.length > 0) lines.push(`          by ${claim.by.join('; ')}`)
  if (claim.refusal !== null) lines.push(`          ${claim.refusal.why} ${claim.refusal.get}`)
  if (claim.absence !== null) lines.push(`          ${claim.absence}`)
  return lines
}
