import { UsageError } from '../../errors/index.js'

/** Of sandboxes that were used and may be used again by their tenant; which may at all, a policy says. */
export interface ReuseOptions {
  /** that wait for another job of their tenant, of all tenants together */
  readonly most?: number
  /** how long one waits, ms */
  readonly idleMs?: number
}

export type ReuseLimits = Required<ReuseOptions>

/** Of a session, where nothing is said; where a policy says `reuse`, its numbers bound them. */
export interface SessionOptions {
  /** whose it is: nobody else's commands run in it */
  readonly tenant: string
  /** commands, at most; absent: the policy's, or 100 */
  readonly runs?: number
  /** from its start to the start of its last command, ms; absent: the policy's, or ten minutes */
  readonly ageMs?: number
  /** it is ended when nothing has been done in it for so long, ms; a minute if not said */
  readonly idleMs?: number
  /** aborted, it ends the session with whatever runs in it */
  readonly signal?: AbortSignal
}

const LONGEST_MS = 24 * 60 * 60 * 1000

/** @throws UsageError for a number that makes no sense */
export function reuseLimits({ most = 16, idleMs = 30_000 }: ReuseOptions): ReuseLimits {
  return { most: whole('reuse.most', most, 0, 4096), idleMs: whole('reuse.idleMs', idleMs, 1, LONGEST_MS) }
}

/** @throws UsageError */
export function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new UsageError(
    'reuse.range',
    `${name} is ${value}, and has to be a whole number from ${least} to ${most}.`,
    'Leave it away for the default.',
  )
}
