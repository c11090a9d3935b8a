/** Whether what was counted again and again stayed what it was. Pure. */

/** Of one moment, by name. */
export type Figures = Readonly<Record<string, number>>

/** What is flat. */
export interface Rule {
  /** with which quarter the last one is compared: 0 is the first */
  readonly from: 0 | 1
  /** how much more of it the last quarter may have than that one: a part of that, and so much besides */
  readonly share: number
  readonly more: number
  /** what stands for a quarter */
  readonly of: (moments: readonly number[]) => number
}

/** Of processes, descriptors and the like not one. */
export const EQUAL: Rule = { from: 0, share: 0, more: 0, of: median }
/**
 * Of memory a tenth, and 4 MiB: what an allocator does not give back. The least of a quarter: what is collected later is not kept. Since the second
 * quarter: in the first one a heap grows to the size at which it is collected, and a leak goes on after it.
 */
export const MEMORY: Rule = {
  from: 1,
  share: 0.1,
  more: 4 * 1024 ** 2,
  of: (moments) => Math.min(...moments),
}
/** Of times a quarter, and 5 ms: a machine is not always as fast. */
export const TIMES: Rule = { from: 0, share: 0.25, more: 5, of: median }

export interface Line {
  readonly name: string
  /** what stands for the quarter that the rule begins with, and the last: the median of its moments, but of memory the least */
  readonly first: number
  readonly last: number
  readonly most: number
  /** `null`: held to nothing */
  readonly flat: boolean | null
}

/** `rule`: `null` where it is told alone. Of a name that a moment does not have it is none. `moments`: in their order, at least one; the warm-up is not among them. */
export function linesOf(moments: readonly Figures[], rule: Rule | null): Line[] {
  const names = [...new Set(moments.flatMap((each) => Object.keys(each)))].sort()
  const quarter = Math.max(1, Math.floor(moments.length / 4))
  return names.map((name) => {
    const all = moments.map((each) => each[name] ?? 0)
    const of = rule?.of ?? median
    const begin = moments.length < 4 ? 0 : (rule?.from ?? 0) * quarter
    const [first, last] = [of(all.slice(begin, begin + quarter)), of(all.slice(-quarter))]
    const flat = rule === null ? null : last <= first * (1 + rule.share) + rule.more
    return { name, first, last, most: Math.max(...all), flat }
  })
}

export function median(values: readonly number[]): number {
  return at(values, 0.5)
}

/** That so many of them are not above: 0.99, say. 0 of none. */
export function at(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
