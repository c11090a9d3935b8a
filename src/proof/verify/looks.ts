/** What `native/probe` prints, read back. It comes out of a sandbox: whatever it is, it becomes looks. Pure. */
import { visible } from '../../errors/index.js'
import type { Attempt, Look, Tried } from '../probes/index.js'

/** of one attempt's detail, characters */
const MAX_DETAIL = 16_384
const RESULT = /^[A-Za-z0-9]{1,24}$/

/** `end`: what is said of an attempt that never told, since the program ended before: a signal's name, or `ended`. */
export function triedOf(attempts: readonly Attempt[], stdout: Buffer, end: string): Tried[] {
  const lines = stdout.toString('latin1').split('\n')
  return attempts.map((attempt, index) => {
    const look = lookIn(lines[index], wordOf(attempt)) ?? { result: end, detail: '' }
    const reached = attempt.reached?.(look) ?? look.result === 'ok'
    const tried = { attempt: attempt.words.join(' '), look, reached }
    return attempt.lacking?.(look) === true ? { ...tried, lacking: true } : tried
  })
}

/** What the program is told. */
export function wordOf({ words }: Attempt): string {
  return words.join(',')
}

/** How many of the attempts said what came of them. */
export function toldOf(attempts: readonly Attempt[], stdout: Buffer): number {
  const lines = stdout.toString('latin1').split('\n')
  const silent = attempts.findIndex((attempt, index) => lookIn(lines[index], wordOf(attempt)) === null)
  return silent === -1 ? attempts.length : silent
}

function lookIn(line: string | undefined, word: string): Look | null {
  const [name, result = '', detail = ''] = line?.split('\t') ?? []
  if (name !== word || !RESULT.test(result)) return null
  return { result, detail: visible(detail.trim().slice(0, MAX_DETAIL)) }
}
