/**
 * Requirement → answer → claim → plan. Types and the pure joins between them; nothing here knows a boundary.
 */

export { held } from './held.js'
export { InForce, type LeftOff } from './in-force.js'
export type {
  FilePlan,
  LimitsPlan,
  NetworkPlan,
  NetworkRule,
  Plan,
  RootPlan,
  SyscallPlan,
  Unanswered,
} from './plan.js'
export type {
  Absence,
  Answer,
  Claim,
  ClaimStatus,
  Enforcement,
  Means,
  Refusal,
  Requirement,
  RequirementId,
  ThreatFamily,
} from './requirement.js'
export { absent, claimOf, enforcedBy, impossible, REQUIREMENT_IDS } from './requirement.js'
export { planSha256 } from './sha256.js'
