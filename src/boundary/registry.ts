import type { BoundaryName } from '../policy/index.js'
import type { Boundary } from './boundary.js'
import { processBoundary } from './process/index.js'

/** A new boundary is one line here. */
const registry: { readonly [Name in BoundaryName]?: Boundary } = {
  process: processBoundary,
}

/** `null`: this version has no such boundary. */
export function boundaryNamed(name: BoundaryName): Boundary | null {
  return registry[name] ?? null
}
