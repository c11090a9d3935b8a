import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import { compareWithCeiling } from './ceiling-compare.js'
import { readCeiling } from './ceiling-read.js'
import { type ResolveHostPath, resolveHostPath } from './host-path.js'
import type { Places } from './places.js'
import type { Policy } from './policy.js'
import { readPolicyFile } from './policy-file.js'
import { Problems } from './problems.js'
import { readYaml } from './yaml-source.js'

export const CEILING_PATH = '/etc/glovebox/ceiling.yaml'

export interface CeilingOptions {
  readonly path?: string
  /** the user id that must own the file; default 0 */
  readonly owner?: number
}

/**
 * Where an organisation's upper bound exists, refuses a policy that exceeds it.
 * @throws PolicyError `policy.aboveCeiling`; or, when the ceiling itself can't be read or trusted, its problems
 */
export function enforceCeiling(
  policy: Policy,
  places: Places,
  options: { readonly ceiling?: CeilingOptions; readonly resolveHostPath?: ResolveHostPath },
): void {
  const path = options.ceiling?.path ?? CEILING_PATH
  const text = readPolicyFile(path, distrust(options.ceiling?.owner ?? 0))
  if (text === null) return
  const written = readYaml(text, { source: path, base: dirname(path) })
  const ceiling = readCeiling(written, options.resolveHostPath ?? resolveHostPath)
  const problems = new Problems(places)
  compareWithCeiling(policy, ceiling, { places, problems })
  problems.throwIfAny()
}

/** Who could have written the bound: anyone but its owner makes it worth nothing. */
function distrust(owner: number): (stats: Stats) => string | null {
  return (stats) => {
    if (stats.uid !== owner)
      return `it is a ceiling and belongs to user ${stats.uid}; it must belong to user ${owner}.`
    return (stats.mode & 0o022) === 0
      ? null
      : 'it is a ceiling that others than its owner can write. Run chmod go-w on it.'
  }
}
