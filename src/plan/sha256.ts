import { canonicalSha256 } from '../policy/index.js'
import type { Plan } from './plan.js'

/**
 * SHA-256 (hex) of all that is enforced, and by what: two plans have the same hash if and only if they are equal, whatever
 * the order of their keys. Lists keep theirs: of rules, mounts and waivers the order may matter.
 */
export function planSha256(plan: Plan): string {
  return canonicalSha256(plan)
}
