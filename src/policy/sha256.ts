import type { Policy } from './policy.js'

/** SHA-256 (hex) of the policy's canonical JSON: keys sorted, no spaces. Two equal policies have equal hashes. */
export function policySha256(policy: Policy): string {
  // loading node:crypto takes 4 ms, which `explain` of a bad policy and every import would pay
  const { createHash } = process.getBuiltinModule('node:crypto')
  return createHash('sha256').update(canonicalJson(policy)).digest('hex')
}

/** RFC 8785 for plain data of this kind: keys in UTF-16 order, numbers and text as JSON.stringify writes them. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${canonicalJson(part)}`).join(',')}}`
}
