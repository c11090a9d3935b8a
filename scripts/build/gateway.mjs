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
const NEEDED_AT_ONCE = ['node:net', 'node:dgram', 'node:dns', 'node:os']

export async function buildGateway() {
  if (!existsSync(ENTRY)) return 'absent'
  const sources = filesBelow('dist/src', (file) =>
    /\/(gateway|network|policy|plan|report)\/.*\.js$/.test(file),
  )
  const inputs = fingerprint(
    [...BUNDLER, 'scripts/build/gateway.mjs', ...sources],
    process.version,
    process.arch,
  )
  const note = stamp('gateway')
  const files = ['main.cjs', 'main.cache', 'LICENSES.txt'].map((file) => join(FOLDER, file))
  if (note.says(inputs) && files.every((file) => existsSync(file))) return 'fresh'

  // of the doors that it enters by, only what it uses: no module of ours does anything by being loaded
  const options = { treeshake: { moduleSideEffects: false } }
  const { scripts, packages } = await bundle({
    what: WHAT,
    entry: ENTRY,
    folder: FOLDER,
    anyway: NEEDED_AT_ONCE,
    whole: true,
    options,
  })
  writeScripts(FOLDER, scripts, packages)
  warm(WHAT, FOLDER, ['main'])
  note.write(inputs)
  return 'built'
}
