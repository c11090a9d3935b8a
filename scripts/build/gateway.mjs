/**
 * dist/src/gateway/process/main.js and all it imports → dist/gateway/main.cjs, one script, and dist/gateway/main.cache, what V8
 * makes of it. bin/gateway.cjs runs them inside the gateway's jail, where there is no other file.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { BUNDLER, bundle, warm, writeScripts } from './bundle.mjs'
import { filesBelow, fingerprint, root, stamp } from './checkout.mjs'

const WHAT = 'the gateway'
const ENTRY = join(root, 'dist/src/gateway/process/main.js')
const FOLDER = join(root, 'dist/gateway')
const MUTABLE = join(root, 'dist/mutable/gateway')
/** In place of src/network/held.ts. */
const TOLD =
  "const without = new Set((process.env.GLOVEBOX_WITHOUT ?? '').split(','));export const held = (id) => !without.has(id)"
const NEEDED_AT_ONCE = ['node:net', 'node:dgram', 'node:dns', 'node:os']

export async function buildGateway() {
  if (!existsSync(ENTRY)) return 'absent'
  const inputs = inputsOf()
  const note = stamp('gateway')
  const files = ['main.cjs', 'main.cache', 'LICENSES.txt'].map((file) => join(FOLDER, file))
  if (note.says(inputs) && files.every((file) => existsSync(file))) return 'fresh'
  const { scripts, packages } = await script(FOLDER)
  writeScripts(FOLDER, scripts, packages)
  warm(WHAT, FOLDER, ['main'])
  note.write(inputs)
  return 'built'
}

/** For the tests that leave a mechanism off: it is told which by its environment. */
export async function buildMutableGateway() {
  if (!existsSync(ENTRY)) return 'absent'
  const inputs = inputsOf()
  const note = stamp('mutable-gateway')
  if (note.says(inputs) && existsSync(join(MUTABLE, 'main.cjs'))) return 'fresh'
  const { scripts, packages } = await script(MUTABLE, TOLD)
  writeScripts(MUTABLE, scripts, packages)
  note.write(inputs)
  return 'built'
}

function inputsOf() {
  const sources = filesBelow('dist/src', (file) =>
    /\/(gateway|network|credentials|policy|plan|report)\/.*\.js$/.test(file),
  )
  return fingerprint([...BUNDLER, 'scripts/build/gateway.mjs', ...sources], process.version, process.arch)
}

function script(folder, held = null) {
  // of the doors that it enters by, only what it uses: no module of ours does anything by being loaded
  const options = { treeshake: { moduleSideEffects: false } }
  return bundle({ what: WHAT, entry: ENTRY, folder, anyway: NEEDED_AT_ONCE, whole: true, held, options })
}
