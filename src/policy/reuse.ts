/** `lifetime.reuse`, as a checked document has it. Pure. */
import { parseDuration } from '../units/index.js'
import * as bounds from './bounds.js'
import type { ReusePolicy } from './policy.js'
import type { PolicyDocument } from './schema.js'

/** `null`: never */
export function readReuse(written: NonNullable<PolicyDocument['lifetime']>['reuse']): ReusePolicy | null {
  if (written === undefined || written === 'never') return null
  const {
    within,
    runs = bounds.REUSE_RUNS.initial,
    age = bounds.REUSE_AGE.initial,
    scratch = 'clean',
  } = written
  // the checked schema has no unreadable duration
  return { within, runs, ageMs: parseDuration(age) ?? 0, scratch }
}
