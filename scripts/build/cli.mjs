/**
 * dist/src/cli/main.js and all it imports → dist/cli/main.cjs, one script, and dist/cli/main.cache, what V8
 * makes of it. bin/glovebox runs the two without resolving, reading or compiling anything else. The packages that
 * not every call needs are a script with a cache each, loaded when something of theirs is first used.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { Failure, filesBelow, fingerprint, root, stamp, writeWhole } from './checkout.mjs'

const ENTRY = join(root, 'dist/src/cli/main.js')
const FOLDER = join(root, 'dist/cli')
/** Packages that load late, and their scripts. */
const LATE_PACKAGES = { 'zod/mini': 'zod', yaml: 'yaml', tldts: 'tldts' }
const NAMES = ['main', ...Object.values(LATE_PACKAGES)]
const INPUTS = ['package-lock.json', 'scripts/build/cli.mjs', 'scripts/build/warm.cjs', 'bin/glovebox']

export async function buildCli() {
  if (!existsSync(ENTRY)) return 'absent'
  const sources = filesBelow('dist/src', (file) => file.endsWith('.js'))
  const inputs = fingerprint([...INPUTS, ...sources], process.version, process.arch)
  const note = stamp('cli')
  const files = NAMES.flatMap((name) => [`${name}.cjs`, `${name}.cache`])
  if (note.says(inputs) && files.every((file) => existsSync(join(FOLDER, file)))) return 'fresh'

  const main = await bundle(ENTRY)
  const scripts = new Map([['main', main.code]])
  const packages = new Set(main.packages)
  for (const [id, name] of Object.entries(LATE_PACKAGES)) {
    const late = await bundle(
      join(FOLDER, `${name}.js`),
      `export { ${namesUsed(main.code, id)} } from '${id}'`,
    )
    scripts.set(name, late.code)
    for (const each of late.packages) packages.add(each)
  }
  for (const [name, code] of scripts) {
    const hash = createHash('sha256').update(code).digest('hex')
    writeWhole(join(FOLDER, `${name}.cjs`), `//${hash}\n${code}`)
  }
  writeWhole(join(FOLDER, 'LICENSES.txt'), [...packages].sort().map(licenseOf).join('\n'))
  warm()
  note.write(inputs)
  return 'built'
}

/** The script of an entry; of one that is `text` and no file, with the late packages in it. */
async function bundle(entry, text) {
  const { rolldown } = await import('rolldown')
  const build = await rolldown({
    input: entry,
    cwd: root,
    platform: 'node',
    external: text === undefined ? Object.keys(LATE_PACKAGES) : [],
    // yaml offers Node its CommonJS build, of which nothing can be left out
    resolve: text === undefined ? {} : { alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') } },
    plugins: [modulesKeepTheirPlace(), entryOf(entry, text)],
    onLog(level, log) {
      if (level === 'warn') throw new Failure(`the command line does not bundle. ${log.message}`)
    },
  })
  const { output } = await build.generate({
    format: 'cjs',
    exports: 'named',
    codeSplitting: false,
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
    comments: false,
    sourcemap: false,
  })
  await build.close()
  const [chunk, ...others] = output
  if (others.length > 0) throw new Failure('the command line did not bundle into one script.')
  return { code: wrap(onlyAscii(loadedLate(chunk.code))), packages: packagesOf(chunk.moduleIds) }
}

/** An entry that is text and no file. */
function entryOf(entry, text) {
  return {
    name: 'entry-of-text',
    resolveId: (id) => (text !== undefined && id === entry ? id : null),
    load: (id) => (text !== undefined && id === entry ? text : null),
  }
}

/** What main.cjs uses of a late package, so that its script holds no more. */
function namesUsed(code, id) {
  const [, variable] =
    code.match(new RegExp(`\\b([\\w$]+) = late\\("\\./${LATE_PACKAGES[id]}\\.cjs"\\)`)) ?? []
  if (variable === undefined) throw new Failure(`the command line does not load ${id} late.`)
  const uses = code.matchAll(new RegExp(`(?<![\\w$/])${variable}\\.([\\w$]+)`, 'g'))
  return [...new Set([...uses].map(([, name]) => name))].sort().join(', ')
}

/** `import.meta.url` and its like mean the module's own file in dist/src, bundled or not. */
function modulesKeepTheirPlace() {
  return {
    name: 'modules-keep-their-place',
    transform(code, id) {
      if (!id.startsWith(join(root, 'dist/src')) || !code.includes('import.meta')) return null
      const place = `__dirname + ${JSON.stringify(`/${relative(FOLDER, id)}`)}`
      return code
        .replaceAll('import.meta.url', `require('node:url').pathToFileURL(${place}).href`)
        .replaceAll('import.meta.filename', `require('node:path').join(${place})`)
        .replaceAll('import.meta.dirname', `require('node:path').join(${place}, '..')`)
    },
  }
}

/**
 * Node's own modules and the late packages load when something of theirs is first used: Node's together cost 13 ms
 * (child_process 6, crypto 4, fs/promises 2), which `--version` need not pay, and zod and yaml 8. The bundler spells
 * each use `name.export`, so an object that looks there does. It copies a module's exports (`__toESM`) for
 * `import * as`, of which it then uses the same names: a late package needs no copy, and one of Node's is not late.
 */
function loadedLate(code) {
  const late = []
  const made = code.replace(/\b([\w$]+) = require\("([^"]+)"\)/g, (eager, name, module) => {
    const ours = Object.hasOwn(LATE_PACKAGES, module)
    if (!ours && (LOADED_ANYWAY.includes(module) || code.includes(`__toESM(${name}`))) return eager
    if (ours) late.push(name)
    return `${name} = late("${ours ? `./${LATE_PACKAGES[module]}.cjs` : module}")`
  })
  return late.reduce((text, name) => text.replace(`${name} = __toESM(${name}, 1);`, ''), made)
}

const LOADED_ANYWAY = ['node:fs', 'node:path', 'node:url', 'node:util', 'node:events', 'node:buffer']
const LATE = 'const late=(name)=>new Proxy({},{get:(_,key)=>require(name)[key]});'

/** A script whose value is the function that CommonJS would have made of the module. */
const wrap = (code) => `(function(exports,require,module,__filename,__dirname){${LATE}${code}\n})`

/** One byte a character: read without decoding, and half as large in memory. */
function onlyAscii(code) {
  if (/\\[\u0080-\uffff]|String\.raw`[^`]*[\u0080-\uffff]/.test(code)) {
    throw new Failure('the command line has a character outside ASCII after a backslash or in String.raw.')
  }
  return code.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function packagesOf(moduleIds) {
  const names = moduleIds.map((id) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[0])
  return [...new Set(names.filter((folder) => folder !== undefined))].sort()
}

function licenseOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  if (file === undefined) throw new Failure(`${name} is bundled but carries no license text.`)
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
}

/** In a process of its own: the caches must hold the functions that a start runs, and nothing of the build. */
function warm() {
  const caches = NAMES.map((name) => join(FOLDER, `${name}.cache`))
  for (const cache of caches) rmSync(cache, { force: true })
  const child = spawnSync(process.execPath, [join(dirname(import.meta.filename), 'warm.cjs'), FOLDER], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (child.status !== 0) throw new Failure(`the command line does not start.\n${child.stderr}`)
  const unneeded = caches.find((cache) => !existsSync(cache))
  if (unneeded !== undefined)
    throw new Failure(`no start of the command line that is warmed needs what ${unneeded} is for.`)
}
