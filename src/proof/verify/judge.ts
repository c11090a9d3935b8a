/** What the attempts of a probe and of its control mean together. Pure. */
import { type Tried, UNTOLD } from '../probes/index.js'

/**
 * `holds`: every attempt failed inside, and succeeded in the open. `broken`: one succeeded inside. `controlFailed`: one
 * failed in the open, so that its failure inside proves nothing. `notApplicable`: there is nothing to try.
 */
export type Status = 'holds' | 'broken' | 'controlFailed' | 'notApplicable'

export interface Judged {
  readonly status: Status
  /** what was reached, what the control lacked, or why nothing was tried; empty when it holds */
  readonly why: readonly string[]
}

/** What a kernel says to a call that it was not built with. */
const LACKING = new Set([
  'ENOSYS',
  'EAFNOSUPPORT',
  'EPROTONOSUPPORT',
  'ESOCKTNOSUPPORT',
  'ENODEV',
  'EOPNOTSUPP',
  'ENOPROTOOPT',
])

/** `control`: `null` when it was not tried; then nothing can be said to hold, but something may be broken. */
export function judge(inside: readonly Tried[], control: readonly Tried[] | null): Judged {
  const reached = inside.filter((each) => each.reached)
  if (reached.length > 0) return { status: 'broken', why: reached.map(told) }
  const untold = inside.filter(({ look }) => look.result === UNTOLD)
  if (untold.length > 0)
    return {
      status: 'controlFailed',
      why: untold.map(({ attempt }) => `inside, it was never tried: ${attempt}`),
    }
  if (control === null) return { status: 'notApplicable', why: ['its control was not tried'] }
  if (control.length === 0) return { status: 'controlFailed', why: ['without a sandbox, nothing was tried'] }
  const failed = control.filter((each) => !each.reached)
  if (failed.length === 0) return { status: 'holds', why: [] }
  if (control.every(isLacking))
    return { status: 'notApplicable', why: [`this host has no such thing: ${failed.map(told).join('; ')}`] }
  const because = failed.filter((each) => !isLacking(each))
  if (because.length === 0) return { status: 'holds', why: [] }
  return { status: 'controlFailed', why: because.map((each) => `in the open, too: ${told(each)}`) }
}

const isLacking = ({ look, lacking, reached }: Tried) =>
  !reached && (lacking === true || LACKING.has(look.result))

function told({ attempt, look }: Tried): string {
  const said = look.detail === '' ? look.result : `${look.result} (${look.detail.slice(0, 200)})`
  return `${attempt}: ${said}`
}
