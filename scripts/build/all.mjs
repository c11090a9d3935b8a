/** The parts of a build, in the order in which one needs the other. */
import { alone, Failure } from './checkout.mjs'
import { buildCli } from './cli.mjs'
import { buildGateway } from './gateway.mjs'
import { buildMutable } from './mutable.mjs'
import { buildNative, buildPackage } from './native.mjs'
import { buildTypeScript } from './typescript.mjs'

export const PARTS = {
  typescript: buildTypeScript,
  native: buildNative,
  cli: buildCli,
  gateway: buildGateway,
  /** what a package needs besides: the native programs of the other architecture */
  package: buildPackage,
  /** what only tests use: programs and a gateway that can leave a mechanism off */
  mutable: buildMutable,
}
/** What a checkout needs to run. */
const USUAL = ['typescript', 'native', 'cli', 'gateway']

/**
 * Builds `parts`, each only if its inputs changed, while no other build runs in this checkout. A part that
 * fails does not keep the next from being tried; all failures come out together.
 */
export async function build(parts = USUAL) {
  await alone(async () => {
    const failures = []
    for (const part of parts) {
      const before = performance.now()
      try {
        const outcome = await PARTS[part]()
        if (outcome === 'built')
          console.log(`build: ${part} (${((performance.now() - before) / 1000).toFixed(1)} s)`)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        failures.push(`${part}: ${error.message}`)
      }
    }
    if (failures.length > 0) throw new Failure(failures.join('\n'))
  })
}
