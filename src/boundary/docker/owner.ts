/** Whose a container is, as its labels say it. Pure. */
import type { Listed } from './answers.js'

/** The process that made it: a mark as `ownMark` of the host gives it. */
export const OWNER = 'glovebox.owner'
/** One of that process's sources of sandboxes. */
export const INSTANCE = 'glovebox.instance'
export const SANDBOX = 'glovebox.sandbox'

export function labelsOf(mark: string, instance: string, sandbox: string): Record<string, string> {
  return { [OWNER]: mark, [INSTANCE]: instance, [SANDBOX]: sandbox }
}

/** `isGone` of the host: with an age it decides by that where it can't look for the process. */
export type IsGone = (mark: string, ageMs: () => number) => boolean

/**
 * Whether its maker is provably dead. One whose maker can't be looked for, since it belongs to another boot, container or machine, may
 * be in use as long as it runs.
 */
export function isAbandoned({ Labels, Created, State }: Listed, nowMs: number, isGone: IsGone): boolean {
  const mark = Labels?.[OWNER]
  if (mark === undefined) return false
  if (isGone(mark, () => 0)) return true
  return State !== 'running' && isGone(mark, () => nowMs - Created * 1000)
}
