/** A policy, for a session: what says so is in its plan, and in each report. */
import { UsageError } from '../../errors/index.js'
import { type Policy, parsePolicy, policyDocument } from '../../policy/index.js'
import { type SessionOptions, whole } from './options.js'

const RUNS = 100
const AGE_MS = 600_000
const IDLE_MS = 60_000
const DAY_MS = 24 * 3600 * 1000

export interface SessionTerms {
  readonly policy: Policy
  readonly tenant: string
  readonly idleMs: number
  readonly ageMs: number
}

/**
 * @throws UsageError for terms that make no sense, or are more than the policy's
 * @throws PolicyError when the organisation's ceiling lets no sandbox be used again
 */
export function sessionTerms(policy: Policy, options: SessionOptions): SessionTerms {
  const { tenant } = options
  if (typeof tenant !== 'string' || tenant === '')
    throw new UsageError(
      'session.tenant',
      'A session is one tenant’s, and none is named.',
      "Say whose it is: glovebox.session(policy, { tenant: 'acme' }).",
    )
  const { reuse } = policy.lifetime
  const runs = atMost('runs', whole('runs', options.runs ?? reuse?.runs ?? RUNS, 1, 100_000), reuse?.runs)
  const ageMs = atMost(
    'ageMs',
    whole('ageMs', options.ageMs ?? reuse?.ageMs ?? AGE_MS, 1, DAY_MS),
    reuse?.ageMs,
  )
  const idleMs = whole('idleMs', options.idleMs ?? IDLE_MS, 1, DAY_MS)
  const document = policyDocument(policy)
  const lifetime = {
    ...document.lifetime,
    reuse: { within: 'tenant', runs, age: `${ageMs}ms`, scratch: 'keep' },
  }
  return { policy: parsePolicy({ ...document, lifetime }), tenant, idleMs, ageMs }
}

function atMost(name: string, value: number, most = Number.POSITIVE_INFINITY): number {
  if (value <= most) return value
  throw new UsageError(
    'session.range',
    `${name} is ${value}, and the policy lets a sandbox be used again to ${most} (lifetime.reuse).`,
    'Ask for less, or leave it away.',
  )
}
