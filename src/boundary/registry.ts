import type { BoundaryName } from '../policy/index.js'
import type { Boundary } from './boundary.js'
import { dockerBoundary, dockerRunscBoundary } from './docker/index.js'
import { gvisorBoundary } from './gvisor/index.js'
import { microvmBoundary } from './microvm/index.js'
import { processBoundary } from './process/index.js'
import { runcBoundary } from './runc/index.js'

/** A new boundary is one line here. */
const registry: { readonly [Name in BoundaryName]?: Boundary } = {
  process: processBoundary,
  runc: runcBoundary,
  gvisor: gvisorBoundary,
  docker: dockerBoundary,
  'docker+runsc': dockerRunscBoundary,
  microvm: microvmBoundary,
}

/** Of this version. */
export const BOUNDARY_NAMES = Object.keys(registry) as readonly BoundaryName[]

/** `null`: this version has no such boundary. */
export function boundaryNamed(name: BoundaryName): Boundary | null {
  return registry[name] ?? null
}
