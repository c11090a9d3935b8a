import { BOUNDARY_NAMES, type Boundary, boundaryNamed } from '../boundary/index.js'
import { credentialRequirements } from '../credentials/index.js'
import { BoundaryUnavailableError } from '../errors/index.js'
import { filePlan, fileRequirements } from '../files/index.js'
import type { HostFacts } from '../host/index.js'
import { identityRequirements, JOB_IDENTITY } from '../identity/index.js'
import { lifetimeRequirements } from '../lifetime/index.js'
import { limitRequirements, limitsPlan } from '../limits/index.js'
import { networkPlan, networkRequirements, trustEnv } from '../network/index.js'
import {
  type Claim,
  claimOf,
  type Plan,
  type Requirement,
  type RootPlan,
  type Unanswered,
} from '../plan/index.js'
import type { Policy } from '../policy/index.js'
import { LOCK_FD, requirements as syscallRequirements } from '../syscalls/index.js'

/** Found first by the job's shell; the same for every job, so that nothing of the caller's PATH is in it. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin'

export function requirementsOf(policy: Policy): Requirement[] {
  return [
    ...identityRequirements(),
    ...fileRequirements(policy),
    ...networkRequirements(policy.network),
    ...credentialRequirements(policy.credentials),
    ...syscallRequirements(policy),
    ...limitRequirements(policy),
    ...lifetimeRequirements(policy),
  ]
}

/** @throws BoundaryUnavailableError when this version has no such boundary */
export function boundaryOf(policy: Policy): Boundary {
  const boundary = boundaryNamed(policy.boundary)
  if (boundary !== null) return boundary
  throw new BoundaryUnavailableError(
    'boundary.notYet',
    `This version of Glovebox has no boundary "${policy.boundary}".`,
    `Write ${alternatives(BOUNDARY_NAMES)}.`,
  )
}

const alternatives = (all: readonly string[]) => [all.slice(0, -1).join(', '), ...all.slice(-1)].join(' or ')

/**
 * The policy, resolved against one boundary on this host. Pure; the plan may hold claims that are impossible here.
 * @param root what `rootOf` found, where the policy names an image
 */
export function planFor(
  policy: Policy,
  boundary: Boundary,
  host: HostFacts,
  root: RootPlan = withoutImages(policy),
): Plan {
  const waived: readonly string[] = policy.waive
  // a value goes only where requests are read
  const network = networkPlan(
    policy.network,
    policy.credentials.flatMap(({ hosts }) => hosts),
  )
  const plan: Unanswered = {
    boundary: boundary.name,
    identity: JOB_IDENTITY,
    env: {
      PATH: DEFAULT_PATH,
      HOME: policy.workdir,
      ...trustEnv(network),
      ...policy.env,
      ...lockEnv(policy),
    },
    files: filePlan(policy, root),
    network,
    credentials: policy.credentials,
    limits: limitsPlan(policy.limits, waived),
    lifetime: policy.lifetime,
    syscalls: policy.syscalls,
  }
  const claims = requirementsOf(policy).map((requirement) => {
    const answer = boundary.answer({ requirement, host, plan, cpus: policy.limits.cpus })
    return claimOf(requirement, answer, waived.includes(requirement.id))
  })
  return { ...plan, claims, waivers: policy.waive }
}

/** @throws TypeError for an image: which tree it is only its store can tell */
function withoutImages({ root }: Policy): RootPlan {
  if (root.kind !== 'image') return root
  throw new TypeError('a plan for an image needs the root that was found for it')
}

/** Not to be overridden: it says which descriptor the job has, and a program that finds none must not think that it locked. */
function lockEnv({ syscalls }: Policy): Record<string, string> {
  return syscalls.lock === null ? {} : { GLOVEBOX_LOCK_FD: `${LOCK_FD}` }
}

/** Fails closed: nothing is started under a plan of which one promise can't be kept. */
export function requireEnforceable(plan: Plan, boundary: Boundary, host: HostFacts): void {
  const reason = boundary.unavailable(host)
  if (reason !== null)
    throw new BoundaryUnavailableError(
      'boundary.unavailable',
      `The boundary "${boundary.name}" can't run here: ${reason.what}`,
      reason.get,
    )
  const impossible = plan.claims.filter(
    (claim): claim is Claim & { refusal: object } => claim.status === 'impossible',
  )
  if (impossible.length === 0) return
  const lines = impossible.map(
    ({ id, refusal }) => `${id} can't be enforced here: ${refusal.why} ${refusal.get}`,
  )
  throw new BoundaryUnavailableError('boundary.cannotEnforce', lines.join('\n'))
}
