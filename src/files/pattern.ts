import { UsageError } from '../errors/index.js'
import { matchesStarred } from '../spelling/index.js'
import { insidePath } from './places.js'

/**
 * Which of the job's files to collect: a path, a folder's content (`out/**`), or names with `*` in them
 * (`out/*.png`). Matching is linear in the name's length, because the names are the job's.
 */
export interface OutputPattern {
  readonly text: string
  /** the part without a wildcard: what is asked of the sandbox */
  readonly base: string
  /** segments after the base; `**` matches any number of them; empty: the base and all below it */
  readonly rest: readonly string[]
}

export function outputPattern(text: string, workdir: string): OutputPattern {
  const segments = insidePath(text, workdir).split('/').slice(1)
  const first = segments.findIndex((segment) => segment.includes('*'))
  const at = first === -1 ? segments.length : first
  const rest = segments.slice(at)
  if (rest.some((segment) => segment.includes('**') && segment !== '**'))
    throw new UsageError(
      'output.pattern',
      `${JSON.stringify(text)}: "**" stands for whole folders.`,
      'Write it between slashes.',
    )
  if (rest.filter((segment) => segment === '**').length > 1)
    throw new UsageError(
      'output.pattern',
      `${JSON.stringify(text)} has more than one "**".`,
      'One is enough.',
    )
  return { text, base: `/${segments.slice(0, at).join('/')}`, rest }
}

/** `path`: absolute inside, at or below the pattern's base. */
export function matchesOutput(pattern: OutputPattern, path: string): boolean {
  if (path !== pattern.base && !path.startsWith(pattern.base === '/' ? '/' : `${pattern.base}/`)) return false
  if (pattern.rest.length === 0) return true
  const names = path
    .slice(pattern.base.length)
    .split('/')
    .filter((name) => name !== '')
  const any = pattern.rest.indexOf('**')
  if (any === -1) return names.length === pattern.rest.length && segmentsMatch(pattern.rest, names)
  const before = pattern.rest.slice(0, any)
  const after = pattern.rest.slice(any + 1)
  return (
    names.length >= before.length + Math.max(after.length, 1) &&
    segmentsMatch(before, names.slice(0, before.length)) &&
    segmentsMatch(after, names.slice(names.length - after.length))
  )
}

function segmentsMatch(patterns: readonly string[], names: readonly string[]): boolean {
  return patterns.every((pattern, index) => matchesStarred(pattern, names[index] ?? ''))
}
