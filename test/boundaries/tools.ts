/** The boundaries that this version has, as they can be had on this host. */
import { after, before } from 'node:test'
import { boundaryNamed, isOfEngine } from '../../src/boundary/index.js'
import { BOUNDARIES, type BoundaryName } from '../../src/policy/index.js'
import { TestEngine } from '../support/docker-engine.js'

/** In the order of the docs; the first is what the others are compared with. */
export const BUILT: readonly BoundaryName[] = BOUNDARIES.filter((name) => boundaryNamed(name) !== null)

/**
 * An engine of this test file's own for `docker` and `docker+runsc`, in DOCKER_HOST while its tests run. Called where tests are declared.
 * @returns says why a boundary can't be had, within a test; `null`: it can
 */
export function withBoundaries(): (boundary: BoundaryName) => string | null {
  let engine: TestEngine | string | null = null
  before(async () => {
    if (!BUILT.includes('docker')) return
    engine = await TestEngine.start({ sentries: true })
    if (typeof engine !== 'string') process.env.DOCKER_HOST = `unix://${engine.socket}`
  })
  after(async () => {
    if (engine !== null && typeof engine !== 'string') await engine.end()
  })
  return (boundary) => (isOfEngine(boundary) && typeof engine === 'string' ? engine : null)
}
