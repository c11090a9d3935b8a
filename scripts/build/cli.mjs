/**
 * dist/src/cli/main.js and all it imports → dist/cli/main.cjs, one script, and dist/cli/main.cache, what V8
 * makes of it. bin/glovebox runs the two without resolving, reading or compiling anything else. The packages that
 * not every call needs are a script with a cache each, loaded when something of theirs is first used.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { BUNDLER, bundle, warm, writeScripts } from './bundle.mjs'
import { Failure, filesBelow, fingerprint, root, stamp } from './checkout.mjs'

const WHAT = 'the command line'
const ENTRY = join(root, 'dist/src/cli/main.js')
const FOLDER = join(root, 'dist/cli')
/** Packages that load late, and their scripts. */
const LATE_PACKAGES = { 'zod/mini': 'zod', yaml: 'yaml', tldts: 'tldts' }
const LOADED_ANYWAY = ['node:fs', 'node:path', 'node:url', 'node:util', 'node:events', 'node:buffer']
const NAMES = ['main', ...Object.values(LATE_PACKAGES)]
const INPUTS = [...BUNDLER, 'scripts/build/cli.mjs', 'bin/glovebox']

export async function buildCli() {
  if (!existsSync(ENTRY)) return 'absent'
  const sources = filesBelow('dist/src', (file) => file.endsWith('.js'))
  const inputs = fingerprint([...INPUTS, ...sources], process.version, process.arch)
  const note = stamp('cli')
  const files = NAMES.flatMap((name) => [`${name}.cjs`, `${name}.cache`])
  if (note.says(inputs) && files.every((file) => existsSync(join(FOLDER, file)))) return 'fresh'

  const main = await script(ENTRY)
  const scripts = new Map([['main', main.code]])
  const packages = new Set(main.packages)
  for (const [id, name] of Object.entries(LATE_PACKAGES)) {
    const late = await script(
      join(FOLDER, `${name}.js`),
      `export { ${namesUsed(main.code, id)} } from '${id}'`,
    )
    scripts.set(name, late.code)
    for (const each of late.packages) packages.add(each)
  }
  writeScripts(FOLDER, scripts, packages)
  warm(WHAT, FOLDER, NAMES)
  note.write(inputs)
  return 'built'
}

/** Of an entry that is `text` and no file, with the late packages in it. */
function script(entry, text) {
  // yaml offers Node its CommonJS build, of which nothing can be left out
  const yaml = { yaml: join(root, 'node_modules/yaml/browser/index.js') }
  const options = text === undefined ? {} : { resolve: { alias: yaml } }
  return bundle({
    what: WHAT,
    entry,
    folder: FOLDER,
    late: LATE_PACKAGES,
    anyway: LOADED_ANYWAY,
    text,
    options,
  })
}

/** What main.cjs uses of a late package, so that its script holds no more. */
function namesUsed(code, id) {
  const [, variable] =
    code.match(new RegExp(`\\b([\\w$]+) = late\\("\\./${LATE_PACKAGES[id]}\\.cjs"\\)`)) ?? []
  if (variable === undefined) throw new Failure(`the command line does not load ${id} late.`)
  const uses = code.matchAll(new RegExp(`(?<![\\w$/])${variable}\\.([\\w$]+)`, 'g'))
  return [...new Set([...uses].map(([, name]) => name))].sort().join(', ')
}
