/**
 * Known ways out of what a boundary is made of, and whether one is open here. Pure. A row says what an advisory says; what
 * nobody wrote down is in no row, and a row that can't be told from its fix counts as open.
 */
import type { BoundaryName } from '../../policy/index.js'
import type { PackageFacts } from '../packages.js'
import { compareDebian, compareUpstream } from '../version.js'

export type EscapeProgram = 'bubblewrap' | 'runc' | 'runsc' | 'containerd' | 'docker' | 'qemu'

/** Releases of upstream, from the first that has it to the one that mended it. */
export interface AffectedRange {
  /** `null`: from the beginning */
  readonly from: string | null
  /** the first that does not have it; `null`: all that come after have it, and only the configuration helps */
  readonly fixed: string | null
}

export interface KnownEscape {
  /** CVE-…, or GHSA-… where there is none */
  readonly id: string
  readonly program: EscapeProgram
  /** what it lets somebody do; a phrase */
  readonly allows: string
  /** what it takes; a phrase */
  readonly needs: string
  readonly affected: readonly [AffectedRange, ...AffectedRange[]]
  /** releases of distributions that mended it under an older version: release → the first package version with the fix */
  readonly mended: Readonly<Record<string, string>>
  /** by what our configuration shuts it out, for each boundary that has the program; absent: it is open there. A phrase. */
  readonly shutOut: { readonly [Name in BoundaryName]?: string }
  readonly advisory: string
}

/** A program as it is here. */
export interface Program {
  /** as it says itself; `null`: it does not, or nobody could ask */
  readonly version: string | null
  readonly package: PackageFacts | null
}

export interface Judged {
  readonly row: KnownEscape
  /** `fixed`: this version does not have it; `shutOut`: it has, and can't be used; `open`: it has */
  readonly standing: 'fixed' | 'shutOut' | 'open'
  /** by what it is shut out; empty otherwise */
  readonly by: string
}

/** Each row, for a program of a version that can be read. @throws RangeError when it can not: nothing can be said then */
export function judge(
  rows: readonly KnownEscape[],
  { version, package: fromPackage }: Program,
  boundary: BoundaryName,
): Judged[] {
  if (version === null || compareUpstream(version, version) === null)
    throw new RangeError('a version that can not be read can not be judged')
  return rows.map((row) => {
    if (!isAffected(row, version) || isMended(row, fromPackage)) return { row, standing: 'fixed', by: '' }
    const by = shutOutBy(row, boundary)
    return by === undefined ? { row, standing: 'open', by: '' } : { row, standing: 'shutOut', by }
  })
}

/** With another runtime an engine is told the same, and does the same. */
function shutOutBy({ shutOut }: Pick<KnownEscape, 'shutOut'>, boundary: BoundaryName): string | undefined {
  return shutOut[boundary] ?? (boundary === 'docker+runsc' ? shutOut.docker : undefined)
}

/** Rows that some version from `floor` on has, and that nothing shuts out: where there is none, no version needs to be known. */
export function openFrom(
  rows: readonly KnownEscape[],
  floor: string,
  boundary: BoundaryName,
): readonly KnownEscape[] {
  return rows.filter(
    ({ affected, shutOut }) =>
      shutOutBy({ shutOut }, boundary) === undefined &&
      affected.some(({ fixed }) => fixed === null || !isAtLeast(floor, fixed)),
  )
}

export function isAffected(row: KnownEscape, version: string): boolean {
  return rangeOf(row, version) !== undefined
}

function rangeOf({ affected }: KnownEscape, version: string): AffectedRange | undefined {
  return affected.find(
    ({ from, fixed }) =>
      (from === null || isAtLeast(version, from)) && (fixed === null || !isAtLeast(version, fixed)),
  )
}

function isMended({ mended }: KnownEscape, fromPackage: PackageFacts | null): boolean {
  if (fromPackage === null || fromPackage.release === null) return false
  const fixed = Object.hasOwn(mended, fromPackage.release) ? mended[fromPackage.release] : undefined
  if (fixed === undefined) return false
  // a backport of a newer release is newer than the mended one, and need not be mended
  const sameRelease = compareUpstream(fromPackage.version, fixed) === 0
  return sameRelease && compareDebian(fromPackage.version, fixed) >= 0
}

/** The oldest release of upstream that mended it for somebody who has `version`; `null`: none did. */
export function fixFor(row: KnownEscape, version: string): string | null {
  return rangeOf(row, version)?.fixed ?? null
}

function isAtLeast(version: string, other: string): boolean {
  const order = compareUpstream(version, other)
  if (order === null) throw new RangeError(`one is no version: ${version}, ${other}`)
  return order >= 0
}
