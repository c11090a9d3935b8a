import { boundaryNamed, type KernelSurface } from '../boundary/index.js'
import { credentialWarnings } from '../credentials/index.js'
import { fileWarnings } from '../files/index.js'
import { type HostFacts, lookAtHost } from '../host/index.js'
import { networkWarnings } from '../network/index.js'
import type { Plan } from '../plan/index.js'
import type { Policy } from '../policy/index.js'
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

/** The plan for a policy, as a run would start under it. @throws BoundaryUnavailableError when a run would be refused */
export function planOf(policy: Policy, host: HostFacts): Plan {
  const boundary = boundaryOf(policy)
  const plan = planFor(policy, boundary, host, rootOf(policy, host))
  requireEnforceable(plan, boundary, host)
  return plan
}

/** The plan for a policy on this host, without starting anything. */
export function explainPlan(policy: Policy): Explained {
  const boundary = boundaryOf(policy)
  const host = lookAtHost(boundary.hostPaths)
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
      ...boundary.warnings(plan, host),
    ],
    unavailable: reason === null ? null : `${reason.what} ${reason.get}`,
  }
}
