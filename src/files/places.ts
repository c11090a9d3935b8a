import { posix } from 'node:path'
import { UsageError } from '../errors/index.js'
import type { FilePlan } from '../plan/index.js'

declare const normalised: unique symbol
/** Absolute, normalised, without control characters: the one spelling of a path inside. */
export type InsidePath = string & { readonly [normalised]: true }

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/

/** A caller's path inside, relative ones to the work directory. Throws {@link UsageError}. */
export function insidePath(path: string, workdir: string): InsidePath {
  if (path === '' || CONTROL.test(path))
    throw new UsageError(
      'path.malformed',
      `${JSON.stringify(path)} is not a path.`,
      'Write one without control characters.',
    )
  if (path.split('/').includes('..'))
    throw new UsageError(
      'path.parent',
      `${JSON.stringify(path)} goes up with "..".`,
      'Write the path it leads to.',
    )
  const absolute = posix.resolve(workdir, path)
  if (absolute.length > 4095)
    throw new UsageError('path.long', 'A path inside is longer than 4095 characters.')
  return absolute as InsidePath
}

/** A path inside, split where the scratch folder that holds it ends. */
export interface Placed {
  readonly place: string
  /** relative to `place`; empty for the place itself */
  readonly below: string
}

/** The scratch folder that holds `path`; `null` when it is not in one: nothing can be put there or collected from there. */
export function placeOf(path: InsidePath, plan: FilePlan): Placed | null {
  const holding = plan.scratch.places
    .filter((place) => path === place || path.startsWith(`${place}/`))
    .sort((a, b) => b.length - a.length)[0]
  if (holding === undefined) return null
  const hidden = [...plan.read, ...plan.live].some(
    (grant) => grant.inside.length > holding.length && covers(grant.inside, path),
  )
  return hidden ? null : { place: holding, below: path.slice(holding.length + 1) }
}

function covers(folder: string, path: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}
