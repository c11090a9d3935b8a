import type { Policy } from './policy.js'

/** Policies that this module made. A cast can fool the compiler, not this set. */
const checked = new WeakSet<object>()

/** Whether the value is a policy made by `parsePolicy`, `loadPolicy` or `policyFromFlags`, and by nothing else. */
export function isPolicy(value: unknown): value is Policy {
  return typeof value === 'object' && value !== null && checked.has(value)
}

/** Freezes the whole tree and marks it as checked. Only for the end of checking. */
export function brand(policy: Omit<Policy, keyof BrandOnly>): Policy {
  freeze(policy)
  checked.add(policy)
  return policy as Policy
}

/** The brand's own key, which no value has. */
type BrandOnly = Pick<Policy, Extract<keyof Policy, symbol>>

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  Object.freeze(value)
  for (const part of Object.values(value)) freeze(part)
}
