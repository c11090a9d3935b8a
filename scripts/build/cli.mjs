/**
 * dist/src/cli/main.js and all it imports → dist/cli/main.cjs, one script, and dist/cli/main.cache, what V8
 * makes of it. bin/glovebox runs the two without resolving, reading or compiling anything else.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { Failure, filesBelow, fingerprint, root, stamp, writeWhole } from './checkout.mjs'

const ENTRY = join(root, 'dist/src/cli/main.js')
const FOLDER = join(root, 'dist/cli')
const SCRIPT = join(FOLDER, 'main.cjs')
const CACHE = join(FOLDER, 'main.cache')
const INPUTS = ['package-lock.json', 'scripts/build/cli.mjs', 'scripts/build/warm.cjs', 'bin/glovebox']

export async function buildCli() {
  if (!existsSync(ENTRY)) return 'absent'
  const sources = filesBelow('dist/src', (file) => file.endsWith('.js'))
  const inputs = fingerprint([...INPUTS, ...sources], process.version, process.arch)
  const note = stamp('cli')
  if (note.says(inputs) && existsSync(SCRIPT) && existsSync(CACHE)) return 'fresh'

  const { code, packages } = await bundle()
  // The loader accepts a cache only for the script whose hash it begins with: V8 itself compares no more than
  // the lengths, and would run yesterday's code for a script of the same size.
  const hash = createHash('sha256').update(code).digest('hex')
  writeWhole(SCRIPT, `//${hash}\n${code}`)
  writeWhole(join(FOLDER, 'LICENSES.txt'), packages.map(licenseOf).join('\n'))
  warm(hash)
  note.write(inputs)
  return 'built'
}

async function bundle() {
  const { rolldown } = await import('rolldown')
  const build = await rolldown({
    input: ENTRY,
    cwd: root,
    platform: 'node',
    // yaml offers Node its CommonJS build, of which nothing can be left out
    resolve: { alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') } },
    plugins: [modulesKeepTheirPlace()],
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
  return { code: wrap(onlyAscii(lateBuiltIns(chunk.code))), packages: packagesOf(chunk.moduleIds) }
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
 * Node's own modules load when something of theirs is first used: together they cost 13 ms (child_process 6,
 * crypto 4, fs/promises 2), which `--version` need not pay. The bundler spells each use `name.export`, so an
 * object that looks there does; not so where it copies a module's exports (`__toESM`).
 */
function lateBuiltIns(code) {
  return code.replace(/\b([\w$]+) = require\("(node:[^"]+)"\)/g, (eager, name, module) =>
    LOADED_ANYWAY.includes(module) || code.includes(`__toESM(${name}`)
      ? eager
      : `${name} = late("${module}")`,
  )
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

/** In a process of its own: the cache must hold the functions that a start runs, and nothing of the build. */
function warm(hash) {
  rmSync(CACHE, { force: true })
  const draft = `${CACHE}.${process.pid}.raw`
  const child = spawnSync(
    process.execPath,
    [join(dirname(import.meta.filename), 'warm.cjs'), SCRIPT, draft],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      timeout: 60_000,
    },
  )
  if (child.status !== 0 || !existsSync(draft)) {
    throw new Failure(`the command line does not start.\n${child.stderr}`)
  }
  writeWhole(CACHE, Buffer.concat([Buffer.from(hash, 'latin1'), readFileSync(draft)]))
  rmSync(draft)
}
