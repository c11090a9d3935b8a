import { matchesStarred } from '../spelling/index.js'

/**
 * One spelling for paths of HTTP requests, so that the path that was matched is the one that the server reads: escapes of what needs
 * none are taken off, the rest are upper-case (RFC 3986, 6.2.2).
 */

/** The canonical form of an absolute path without its query, or `null` where two servers could read two paths. */
export function canonicalPath(path: string): string | null {
  if (!/^\/[\x21-\x7e]*$/.test(path) || /[\\?#<>"^`{|}]/.test(path)) return null
  if (/%(?![0-9a-fA-F]{2})/.test(path)) return null
  const canonical = path.replace(/%[0-9a-fA-F]{2}/g, (written) => {
    const character = String.fromCharCode(Number.parseInt(written.slice(1), 16))
    return /[A-Za-z0-9._~-]/.test(character) ? character : written.toUpperCase()
  })
  return ambiguous(canonical) ? null : canonical
}

function ambiguous(path: string): boolean {
  // a slash, a backslash, a control character or NUL for whoever decodes before splitting; or decodes twice; or in UTF-8 that is
  // longer than it may be, which no character has (RFC 3629, 3)
  if (/%(?:2F|5C|[01][0-9A-F]|7F|25[0-9A-Fa-f]{2}|C[01]|E0%[89]|F0%8)/.test(path)) return true
  const segments = path.slice(1).split('/')
  return segments.some(
    (segment, index) =>
      (segment === '' && index < segments.length - 1) ||
      // `/a/..;x/b` is `/b` for servers that cut parameters off first (Tomcat, Spring)
      ['.', '..'].includes(segment.split(/;|%3B/)[0] ?? ''),
  )
}

/**
 * Whether a canonical path fits a pattern: `*` is any part of one segment, `**` as a whole segment is any number of segments, at
 * least one where it ends the pattern. Linear in the path for each segment of the pattern: paths are the job's.
 */
export function pathMatches(pattern: string, path: string): boolean {
  const names = path.slice(1).split('/')
  const parts = pattern.slice(1).split('/')
  // positions in `names` that the parts so far can have got to
  let reached = new Set([0])
  for (const [index, part] of parts.entries()) {
    reached =
      part === '**' ? skipping(reached, names, index === parts.length - 1) : stepping(reached, names, part)
    if (reached.size === 0) return false
  }
  return reached.has(names.length)
}

function skipping(reached: ReadonlySet<number>, names: readonly string[], last: boolean): Set<number> {
  const from = Math.min(...reached) + (last ? 1 : 0)
  return new Set(Array.from({ length: Math.max(0, names.length - from + 1) }, (_, index) => from + index))
}

function stepping(reached: ReadonlySet<number>, names: readonly string[], part: string): Set<number> {
  const next = new Set<number>()
  for (const at of reached) {
    const name = names[at]
    if (name !== undefined && matchesStarred(part, name)) next.add(at + 1)
  }
  return next
}
