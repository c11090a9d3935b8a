/**
 * dist/src/cli/main.js and all it imports → dist/cli/main.cjs, one script, and dist/cli/main.cache, what V8
 * makes of it. bin/glovebox runs the two without resolving, reading or compiling anything else. The packages that
 * not every call needs are a script with a cache each, loaded when something of theirs is first used; so is each command that
 * main.js imports by `import()`, with what no run needs. Without that the attacks of `verify` would cost every start.
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
/** Commands that load late, and what they share. What takes a minute needs no cache. */
const LATE_COMMANDS = ['explain', 'verify', 'doctor', 'image', 'shared']
/**
 * What a run with credentials loads; `build` is the folder of oauth4webapi's script, for a source that exchanges tokens;
 * `certificate` is for the decoys of verify, `engine` for doctor; and with `docker-room` and `docker-launch` for the boundary docker,
 * `machine-launch` for microvm.
 */
const LATE_PARTS = [
  'credentials',
  'build',
  'certificate',
  'engine',
  'docker-room',
  'docker-launch',
  'machine-launch',
]
const CACHED = ['main', 'explain', 'shared', ...Object.values(LATE_PACKAGES)]
const NAMES = ['main', ...LATE_COMMANDS, ...LATE_PARTS, ...Object.values(LATE_PACKAGES)]
const INPUTS = [...BUNDLER, 'scripts/build/cli.mjs', 'bin/glovebox']

export async function buildCli() {
  if (!existsSync(ENTRY)) return 'absent'
  const sources = filesBelow('dist/src', (file) => file.endsWith('.js'))
  const inputs = fingerprint([...INPUTS, ...sources], process.version, process.arch)
  const note = stamp('cli')
  const files = [...NAMES.map((name) => `${name}.cjs`), ...CACHED.map((name) => `${name}.cache`)]
  if (note.says(inputs) && files.every((file) => existsSync(join(FOLDER, file)))) return 'fresh'

  const { scripts, packages: ours } = await script(ENTRY)
  const unknown = [...scripts.keys()].filter((name) => !NAMES.includes(name))
  if (unknown.length > 0) throw new Failure(`${WHAT} has scripts that nobody named: ${unknown.join(', ')}.`)
  const packages = new Set(ours)
  const code = [...scripts.values()]
  for (const [id, name] of Object.entries(LATE_PACKAGES)) {
    const late = await script(join(FOLDER, `${name}.js`), `export { ${namesUsed(code, id)} } from '${id}'`)
    scripts.set(name, late.scripts.get('main'))
    for (const each of late.packages) packages.add(each)
  }
  writeScripts(FOLDER, scripts, packages)
  warm(WHAT, FOLDER, CACHED)
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

/** What our scripts use of a late package, so that its script holds no more. */
function namesUsed(scripts, id) {
  const used = scripts.flatMap((code) => {
    const loaded = new RegExp(`\\b([\\w$]+) = late\\("\\./${LATE_PACKAGES[id]}\\.cjs"\\)`).exec(code)
    if (loaded === null) return []
    return [...code.matchAll(new RegExp(`(?<![\\w$/])${loaded[1]}\\.([\\w$]+)`, 'g'))].map(([, name]) => name)
  })
  if (used.length === 0) throw new Failure(`the command line does not load ${id} late.`)
  return [...new Set(used)].sort().join(', ')
}
