import type { Policy } from './policy.js'

/** SHA-256 (hex) of the policy's canonical JSON. Two equal policies have equal hashes. */
export function policySha256(policy: Policy): string {
  return canonicalSha256(policy)
}

/** SHA-256 (hex) of plain data, whatever the order of its keys. */
export function canonicalSha256(value: unknown): string {
  // loading node:crypto takes 4 ms, which `explain` of a bad policy and every import would pay
  const { createHash } = process.getBuiltinModule('node:crypto')
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}

/**
 * RFC 8785 for plain data of this kind: keys in UTF-16 order, no spaces, numbers and text as JSON.stringify writes them. A key
 * without a value is not there.
 * @throws RangeError on a number that JSON can't say: it would be the same as `null`
 */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new RangeError(`${value} has no canonical form`)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value)
    .filter(([, part]) => part !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${canonicalJson(part)}`).join(',')}}`
}
