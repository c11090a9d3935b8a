/** A program of dist/src as one script, and what V8 makes of it: what the command line and the gateway are started from. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Failure, root, writeWhole } from './checkout.mjs'

/** What decides the bytes beside the sources. */
export const BUNDLER = ['package-lock.json', 'scripts/build/bundle.mjs', 'scripts/build/warm.cjs']

/** What is not used of these is left out: to be loaded has no effect but to be there. */
const PURE = /\/dist\/src\/|\/node_modules\/ipaddr\.js\//

/**
 * The scripts of `entry`, to stand in `folder`: `main`, one for each module that is imported by `import()`, by the module's name,
 * with what it alone needs, and `shared`. `what`: how a failure names it. `late`: packages that are left out, and the scripts that hold them.
 * `anyway`: modules of Node that are loaded at once. `text`: the entry's, which then is no file. `whole`: one script, whatever
 * is imported how. `held`: for tests, what stands in place of src/plan/held.ts. `options`: for rolldown.
 */
export async function bundle({
  what,
  entry,
  folder,
  late = {},
  anyway = [],
  text,
  whole = false,
  held = null,
  options = {},
}) {
  const { rolldown } = await import('rolldown')
  const build = await rolldown({
    input: { main: entry },
    cwd: root,
    platform: 'node',
    external: text === undefined ? Object.keys(late) : [],
    plugins: [modulesKeepTheirPlace(folder), entryOf(entry, text), walls(held)],
    treeshake: { moduleSideEffects: (id) => !PURE.test(id) || id === entry },
    // else main.cjs would be a script that loads another
    preserveEntrySignatures: 'allow-extension',
    onLog(level, log) {
      if (level === 'warn') throw new Failure(`${what} does not bundle. ${log.message}`)
    },
    ...options,
  })
  const { output } = await build.generate({
    format: 'cjs',
    exports: 'named',
    codeSplitting: whole ? false : { groups: SCRIPTS },
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
    comments: false,
    sourcemap: false,
  })
  await build.close()
  const scripts = output.map(({ name, code }) => [
    name,
    wrap(onlyAscii(loadedLate(code, late, anyway), what)),
  ])
  const [[first]] = scripts
  if (first !== 'main' || new Set(scripts.map(([name]) => name)).size !== scripts.length)
    throw new Failure(
      `${what} bundled into scripts of other names: ${scripts.map(([name]) => name).join(', ')}.`,
    )
  return { scripts: new Map(scripts), packages: packagesOf(output.flatMap(({ moduleIds }) => moduleIds)) }
}

/** All that a start needs is one script, and so is what several others share; else the bundler would name one after any of its modules. */
const SCRIPTS = [
  { name: 'main', tags: ['$initial'] },
  { name: 'shared', minShareCount: 2 },
]

/** Each script with a hash of its code as its first line, by which its cache knows it, and the licenses of all that is in them. */
export function writeScripts(folder, scripts, packages) {
  for (const [name, code] of scripts) {
    const hash = createHash('sha256').update(code).digest('hex')
    writeWhole(join(folder, `${name}.cjs`), `//${hash}\n${code}`)
  }
  writeWhole(join(folder, 'LICENSES.txt'), [...packages].sort().map(licenseOf).join('\n'))
}

/** In a process of its own: the caches must hold the functions that a start runs, and nothing of the build. */
export function warm(what, folder, names) {
  const caches = names.map((name) => join(folder, `${name}.cache`))
  for (const cache of caches) rmSync(cache, { force: true })
  const child = spawnSync(process.execPath, [join(import.meta.dirname, 'warm.cjs'), folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (child.status !== 0) throw new Failure(`${what} does not start.\n${child.stderr}`)
  const unneeded = caches.find((cache) => !existsSync(cache))
  if (unneeded !== undefined)
    throw new Failure(`no start of ${what} that is warmed needs what ${unneeded} is for.`)
}

/** An entry that is text and no file. */
function entryOf(entry, text) {
  return {
    name: 'entry-of-text',
    resolveId: (id) => (text !== undefined && id === entry ? id : null),
    load: (id) => (text !== undefined && id === entry ? text : null),
  }
}

/** `import.meta.url` and its like mean the module's own file in dist/src, bundled or not. */
function modulesKeepTheirPlace(folder) {
  return {
    name: 'modules-keep-their-place',
    transform(code, id) {
      if (!id.startsWith(join(root, 'dist/src')) || !code.includes('import.meta')) return null
      const place = `__dirname + ${JSON.stringify(`/${relative(folder, id)}`)}`
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
 * each use `name.export`, so an object that looks there does. Where it uses a module as a whole, as it does to copy its exports
 * (`__toESM`) for `import * as`, one of Node's is not late; a late package needs no copy. Our own scripts load each other
 * at once: whoever imports one by `import()` wants it.
 */
function loadedLate(code, packages, anyway) {
  const late = []
  const made = code.replace(/\b([\w$]+) = require\("([^"]+)"\)/g, (eager, name, module) => {
    const ours = Object.hasOwn(packages, module)
    if (module.startsWith('./')) return eager
    if (!ours && (anyway.includes(module) || usedWhole(code, name))) return eager
    if (ours) late.push(name)
    return `${name} = late("${ours ? `./${packages[module]}.cjs` : module}")`
  })
  return late.reduce((text, name) => text.replace(`${name} = __toESM(${name}, 1);`, ''), made)
}

const usedWhole = (code, name) => new RegExp(`(?<![\\w$.])${name}(?![\\w$.]| = require)`).test(code)

const LATE = 'const late=(name)=>new Proxy({},{get:(_,key)=>require(name)[key]});'

/** A script whose value is the function that CommonJS would have made of the module. */
const wrap = (code) => `(function(exports,require,module,__filename,__dirname){${LATE}${code}\n})`

/** What ships does not ask whether a wall stands, so nobody can answer. */
function walls(held) {
  const file = join(root, 'dist/src/plan/held.js')
  const standing = (code) => code.replaceAll(/\bheld\('[a-z-]+'\)/g, 'true')
  return {
    name: 'walls',
    transform(code, id) {
      if (held !== null) return id === file ? held : null
      return id.startsWith(join(root, 'dist/src')) ? standing(code) : null
    },
  }
}

/** One byte a character: read without decoding, and half as large in memory. */
function onlyAscii(code, what) {
  if (/\\[\u0080-\uffff]|String\.raw`[^`]*[\u0080-\uffff]/.test(code)) {
    throw new Failure(`${what} has a character outside ASCII after a backslash or in String.raw.`)
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
