/** What a plan enforces, in words. Reads the plan, never the policy: it can't promise what is not enforced. Pure. */
import type { Claim, Plan } from '../plan/index.js'
import { formatDuration, formatSize } from '../units/index.js'
import { reachLines } from './reach.js'

export interface Explanation {
  readonly boundary: string
  readonly policySha256: string
  readonly files: Plan['files']
  readonly network: Plan['network']
  readonly limits: Plan['limits']
  readonly lifetime: Plan['lifetime']
  readonly env: readonly string[]
  readonly claims: readonly Claim[]
  readonly waivers: readonly string[]
  /** what a reader should think twice about */
  readonly warnings: readonly string[]
}

export function explanation(plan: Plan, policySha256: string, warnings: readonly string[]): Explanation {
  const { boundary, files, network, limits, lifetime, claims, waivers } = plan
  return {
    boundary,
    policySha256,
    files,
    network,
    limits,
    lifetime,
    env: Object.keys(plan.env),
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
    ...section('What the job can reach', reachLines(explained.network)),
    ...section('What it can read', readLines(explained)),
    ...section('What it can write', writeLines(explained)),
    ...section('How long, and how much', amountLines(explained)),
    ...(explained.warnings.length > 0 ? section('Think twice', explained.warnings) : []),
    'Promises, and what keeps them:',
    ...explained.claims.flatMap(claimLines),
  ]
}

function section(title: string, lines: readonly string[]): string[] {
  return [`${title}:`, ...lines.map((line) => `  ${line}`), '']
}

function readLines({ files, env }: Explanation): string[] {
  return [
    "the host's programs and libraries (/usr), and configuration that tells nothing of the host",
    ...files.read.map(({ host, inside }) => (host === inside ? `${host}` : `${host}, as ${inside}`)),
    `environment: ${env.join(', ')}`,
  ]
}

function writeLines({ files }: Explanation): string[] {
  const { bytes, inodes, places } = files.scratch
  return [
    `private scratch of ${formatSize(bytes)} and ${inodes} files: ${places.join(', ')}`,
    ...files.write.map(({ host, inside }) => `${inside}, collected into ${host} when the job has ended`),
    ...files.live.map(
      ({ host, inside }) => `${inside}, which is ${host} itself: at once, and as much as fits there`,
    ),
  ]
}

function amountLines({ limits, lifetime }: Explanation): string[] {
  const or = (value: number | null, words: (value: number) => string) =>
    value === null ? 'unbounded (waived)' : words(value)
  return [
    `deadline ${formatDuration(lifetime.deadlineMs)}${lifetime.noOutputMs === null ? '' : `, ended after ${formatDuration(lifetime.noOutputMs)} of silence`}; one command, then gone`,
    `memory ${or(limits.memoryBytes, formatSize)}, processors ${or(limits.cpus, String)}, processes ${or(limits.processes, String)}`,
    `descriptors ${limits.openFiles} a process, output ${formatSize(limits.outputBytes)}`,
  ]
}

function claimLines(claim: Claim): string[] {
  const lines = [`  ${MARK[claim.status]}  ${claim.id}: ${claim.sentence}`]
  if (claim.by.length > 0) lines.push(`          by ${claim.by.join('; ')}`)
  if (claim.refusal !== null) lines.push(`          ${claim.refusal.why} ${claim.refusal.get}`)
  if (claim.absence !== null) lines.push(`          ${claim.absence}`)
  return lines
}
