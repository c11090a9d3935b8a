/** The answer to `isolation.known-escapes`, from what is known of the programs that make a boundary. Pure. */
import { fixFor, type Judged, judge, type KnownEscape, type Program } from '../host/index.js'
import { type Answer, enforcedBy, impossible, type Means } from '../plan/index.js'
import type { BoundaryName } from '../policy/index.js'

/** One of the programs that a boundary is made of. */
export interface BoundaryProgram {
  /** as people call it, e.g. `runc` */
  readonly name: string
  readonly program: Program
  readonly escapes: readonly KnownEscape[]
  /** the command that gets a newer one */
  readonly get: string
}

const WAIVE = 'or knowingly do without: `waive: [isolation.known-escapes]`.'

/** Fails closed: an open escape, or a version that can't be read, is a no. */
export function knownEscapesAnswer(
  boundary: BoundaryName,
  programs: readonly BoundaryProgram[],
  means: Means,
): Answer {
  for (const { name, program, escapes, get } of programs) {
    if (program.version === null)
      return impossible(
        `Which version ${name} is can't be told, and so not whether it has a known escape.`,
        `${get}, ${WAIVE}`,
      )
    const open = judge(escapes, program, boundary).filter(({ standing }) => standing === 'open')
    if (open.length > 0) return impossible(openSentence(name, program.version, open), `${get}, ${WAIVE}`)
  }
  return enforcedBy(means)
}

function openSentence(name: string, version: string, open: readonly Judged[]): string {
  const each = open.map(({ row }) => {
    const fixed = fixFor(row, version)
    return `${row.id} (${row.allows}; ${fixed === null ? 'no release mends it' : `mended in ${fixed}`})`
  })
  return `${name} ${version} has a known way out that nothing here shuts: ${each.join(', ')}.`
}
