/** What two plans differ in, in the direction that matters: does a job get more? */

/** `changed`: which of the two is more can't be said. It counts as wider. */
export type Change = 'appeared' | 'widened' | 'changed' | 'narrowed' | 'disappeared'

/** Of the blast radius, which part; as in `explain`. */
export type PartId = 'out' | 'reach' | 'touch' | 'amount'

export interface Difference {
  readonly change: Change
  readonly part: PartId
  /** the key of the policy, or a claim, that it is about, e.g. `network.allow[0]`, `limits.memory` */
  readonly subject: string
  /** a phrase: what there is more or less of; empty where the subject says it */
  readonly what: string
  /** what the old plan has; `null`: nothing */
  readonly before: string | null
  /** what the new plan has; `null`: nothing */
  readonly after: string | null
}

/** Something that one plan has beyond another. */
export interface Gain {
  readonly part: PartId
  readonly subject: string
  readonly what: string
  /** there was something of the kind already */
  readonly grown: boolean
  /** what the other plan has */
  readonly had: string | null
  readonly has: string | null
}

/** Different, and which of the two is more nobody can say. */
export interface Turn {
  readonly part: PartId
  readonly subject: string
  readonly what: string
  readonly before: string | null
  readonly after: string | null
}

const WIDENING: readonly Change[] = ['appeared', 'widened', 'changed']

/** Whether a job gets more by it, or may. */
export function widens(differences: readonly Difference[]): boolean {
  return differences.some(({ change }) => WIDENING.includes(change))
}

/** A row of numbers: more of it is wider. */
export type NumberRow = readonly [
  subject: string,
  old: number | null,
  now: number | null,
  words: (value: number) => string,
]

/** `null` is without bound. */
export function numberGains(part: PartId, rows: readonly NumberRow[]): Gain[] {
  return rows
    .filter(([, old, now]) => (now ?? Number.POSITIVE_INFINITY) > (old ?? Number.POSITIVE_INFINITY))
    .map(([subject, old, now, words]) => {
      const said = (value: number | null) => (value === null ? 'unbounded' : words(value))
      return { part, subject, what: '', grown: true, had: said(old), has: said(now) }
    })
}

/** What `now` lists and `old` does not. */
export function listGains(
  part: PartId,
  subject: string,
  old: readonly string[],
  now: readonly string[],
): Gain[] {
  return now
    .filter((each) => !old.includes(each))
    .map((each) => ({ part, subject, what: each, grown: false, had: null, has: each }))
}
