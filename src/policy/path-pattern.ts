import { PATTERN_LENGTH, PATTERN_STARS } from './bounds.js'
import type { Refusal } from './host-pattern.js'

/**
 * What is wrong with a pattern for the paths of requests; `null` when nothing is. `*` stands for any part of a segment, `**` for
 * any number of whole segments.
 */
export function pathPatternFault(pattern: string): Refusal | null {
  const advice = 'Write a path such as /repos/**.'
  if (!pattern.startsWith('/')) return { what: 'is not an absolute path.', advice }
  if (pattern.length > PATTERN_LENGTH)
    return { what: `is longer than ${PATTERN_LENGTH} characters.`, advice: 'Write a shorter one with *.' }
  if (/[?#]/.test(pattern))
    return { what: 'has a query or fragment, which no rule reads.', advice: 'Write the path alone.' }
  // RFC 3986, 3.3: anything else is escaped in a request
  if (!/^(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-F]{2})*$/.test(pattern))
    return { what: 'has a character that paths escape.', advice: 'Write it as %20, with upper-case digits.' }
  // what a server may read as another path: a slash, a dot, a backslash or a NUL in disguise, and escapes of plain letters
  if (
    escapes(pattern).some((code) => /[\w.~/\\-]/.test(String.fromCharCode(code)) || code < 32 || code === 127)
  )
    return { what: 'escapes a character that needs no escape, or that no path holds.', advice }
  const segments = pattern.slice(1).split('/')
  if (segments.some((segment) => segment === '.' || segment === '..'))
    return { what: 'has a dot segment.', advice: 'Write the path without it.' }
  if (segments.slice(0, -1).includes('')) return { what: 'contains "//".', advice: 'Write one slash.' }
  if (segments.some((segment) => segment.includes('**') && segment !== '**'))
    return { what: 'has "**" in a segment.', advice: 'Write ** between slashes, or one *.' }
  if (pattern.split('*').length - 1 > PATTERN_STARS)
    return { what: `has more than ${PATTERN_STARS} stars.`, advice: 'Write several patterns.' }
  return null
}

function escapes(pattern: string): number[] {
  return [...pattern.matchAll(/%([0-9A-F]{2})/g)].map(([, hex = '']) => parseInt(hex, 16))
}
