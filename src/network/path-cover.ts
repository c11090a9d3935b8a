/** What patterns for paths say of each other. Errs to "no": whoever asks treats more as wider. Pure. */
import { pathMatches } from './http-path.js'

/**
 * Whether every path that fits `inner` fits `outer` too. Exact where `inner` has no `**`: its stars then stand for a character that
 * no pattern has, and what takes that takes anything.
 */
export function pathPatternCovers(outer: string, inner: string): boolean {
  return outer === inner || segmentsCover(outer.slice(1).split('/'), inner.slice(1).split('/'))
}

/** `false` only where no path fits both. */
export function pathPatternsOverlap(a: string, b: string): boolean {
  if (!a.includes('*')) return pathMatches(b, a)
  if (!b.includes('*')) return pathMatches(a, b)
  const others = b.slice(1).split('/')
  for (const [index, segment] of a.slice(1).split('/').entries()) {
    const other = others[index]
    if (other === undefined || segment.includes('*') || other.includes('*')) return true
    if (segment !== other) return false
  }
  return true
}

/** A path that fits the pattern, with in its place of each star what no pattern names: the most general one. */
export function pathThatFits(pattern: string): string {
  return pattern.replaceAll('**', UNNAMED).replaceAll('*', UNNAMED)
}

/** No pattern has it: it would have to be escaped. */
const UNNAMED = '\u0001'

function segmentsCover(outer: readonly string[], inner: readonly string[]): boolean {
  const [first, ...outerRest] = outer
  const [segment, ...innerRest] = inner
  if (first === undefined) return segment === undefined
  if (first === '**') {
    // at the end it takes at least one segment, which an `inner` that goes on has
    if (outerRest.length === 0) return segment !== undefined
    return segmentsCover(outerRest, inner) || (segment !== undefined && segmentsCover(outer, innerRest))
  }
  if (segment === undefined || segment === '**') return false
  return pathMatches(`/${first}`, `/${pathThatFits(segment)}`) && segmentsCover(outerRest, innerRest)
}
