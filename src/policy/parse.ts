import { isPolicy } from './brand.js'
import { canonicalPolicy } from './canonical.js'
import { type CeilingOptions, enforceCeiling } from './ceiling.js'
import { type ResolveHostPath, resolveHostPath } from './host-path.js'
import { readObject } from './object-source.js'
import type { Policy } from './policy.js'
import { readYaml } from './yaml-source.js'

export interface PolicyOptions {
  /** name of the source in messages; default `policy` */
  readonly source?: string
  /** folder that relative host paths start from; default the working directory */
  readonly baseDir?: string
  /** how host paths are resolved; default asks this machine */
  readonly resolveHostPath?: ResolveHostPath
  /** where the organisation's upper bound is; default `/etc/glovebox/ceiling.yaml` of root */
  readonly ceiling?: CeilingOptions
}

/**
 * Checks a policy and makes it canonical. A string is YAML 1.2 or JSON text; an object is the same as plain data.
 * @throws PolicyError with every problem, in document order
 */
export function parsePolicy(source: string | object, options: PolicyOptions = {}): Policy {
  if (isPolicy(source)) return source
  const where = { source: options.source ?? 'policy', base: options.baseDir ?? process.cwd() }
  const written =
    typeof source === 'string'
      ? readYaml(source, where)
      : readObject(source, { ...where, line: null, column: null, order: 0 })
  const policy = canonicalPolicy(written, options.resolveHostPath ?? resolveHostPath)
  enforceCeiling(policy, written.places, options)
  return policy
}
