/** Names that a reader nearly wrote. Pure. */

/** Optimal string alignment distance (edits and swaps of neighbours), for short names. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let best = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1)
      next.push(best)
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}

/** The candidate that a reader most likely meant; `null` when none is close. */
export function nearest(written: string, candidates: Iterable<string>): string | null {
  if (written.length > 64) return null
  const lower = written.toLowerCase()
  let found: string | null = null
  let best = Math.max(1, Math.floor(written.length / 4)) + 1
  for (const candidate of candidates) {
    const edits = distance(lower, candidate.toLowerCase())
    if (edits < best) [best, found] = [edits, candidate]
  }
  return found
}
