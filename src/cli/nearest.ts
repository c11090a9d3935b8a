/** The candidate that is at most two slips away from `text`; `null` when none is. Pure. */
export function nearestOf(text: string, candidates: readonly string[]): string | null {
  const ranked = candidates.map((candidate) => ({ candidate, slips: distance(text, candidate) }))
  const best = ranked.sort((a, b) => a.slips - b.slips)[0]
  return best !== undefined && best.slips <= 2 + Math.floor(text.length / 8) ? best.candidate : null
}

/** Levenshtein's distance; both texts are short. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
