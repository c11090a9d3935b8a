import { boundaryNamed, isOfEngine, type KernelSurface } from '../boundary/index.js'
import { credentialWarnings, unreadWarnings } from '../credentials/index.js'
import { fileWarnings } from '../files/index.js'
import { type HostFacts, lookAtHost, withEngine } from '../host/index.js'
import { networkWarnings } from '../network/index.js'
import type { Plan } from '../plan/index.js'
import type { BoundaryName, Policy } from '../policy/index.js'
import { boundaryOf, planFor, requireEnforceable } from './planner.js'
import { rootOf } from './roots.js'

export interface Explained {
  readonly plan: Plan
  /** what of a kernel the job talks to */
  readonly kernel: KernelSurface
  /** what the boundary's own program will be told */
  readonly words: readonly string[]
  /** a sentence for each protection that the policy takes away */
  readonly warnings: readonly string[]
  /** why the boundary can't run on this host at all; `null` when it can */
  readonly unavailable: string | null
}

/** The machine as the process boundary sees it. */
export function hostOf(): HostFacts {
  return lookAtHost(boundaryNamed('process')?.hostPaths ?? [])
}

/** The same, with what a boundary besides is made of: a Docker Engine is asked who it is. */
export async function hostFor(boundary: BoundaryName): Promise<HostFacts> {
  const host = lookAtHost(boundaryNamed(boundary)?.hostPaths ?? [])
  return isOfEngine(boundary) ? withEngine(host) : host
}

/** The plan for a policy, as a run would start under it. @throws BoundaryUnavailableError when a run would be refused */
export function planOf(policy: Policy, host: HostFacts): Plan {
  const boundary = boundaryOf(policy)
  const plan = planFor(policy, boundary, host, rootOf(policy, host))
  requireEnforceable(plan, boundary, host)
  return plan
}

/** The plan for a policy on this host, without starting anything. `host`: of {@link hostFor}, where an engine counts */
export function explainPlan(policy: Policy, host = lookAtHost(boundaryOf(policy).hostPaths)): Explained {
  const boundary = boundaryOf(policy)
  const plan = planFor(policy, boundary, host, rootOf(policy, host))
  const reason = boundary.unavailable(host)
  return {
    plan,
    kernel: boundary.kernel(plan, host),
    words: boundary.words(plan, host),
    warnings: [
      ...fileWarnings(plan.files),
      ...(plan.network === null
        ? []
        : networkWarnings(plan.network).map(({ rule, sentence }) => `${rule}: ${sentence}`)),
      ...plan.credentials.flatMap(credentialWarnings),
      ...unreadWarnings(plan),
      ...boundary.warnings(plan, host),
    ],
    unavailable: reason === null ? null : `${reason.what} ${reason.get}`,
  }
}
