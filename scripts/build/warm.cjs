/**
 * warm.cjs [FOLDER]: runs what a start of the command line, or of the gateway, runs, and keeps what V8 compiled of each script for it beside
 * the script, as NAME.cache. `warm()` of main.cjs says what that is; without one, it is a plan that is made and shown.
 * FOLDER: dist/cli or dist/gateway, of the checkout or the package that this file is in; absent: both. A cache serves the Node that made it; any
 * other refuses it and compiles. The package has none: nobody could read what is in it.
 */
'use strict'
const { readFileSync, renameSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { Script } = require('node:vm')

const HASH_LENGTH = 64
const built = join(__dirname, '../../dist')
const [folder] = process.argv.slice(2)
if (folder === undefined) {
  const { execFileSync } = require('node:child_process')
  for (const name of ['cli', 'gateway'])
    execFileSync(process.execPath, [__filename, join(built, name)], { stdio: 'inherit' })
  process.exit(0)
}
const scripts = new Map()
const exported = new Map()

function requireFrom(name) {
  if (!name.startsWith('./')) return require(name)
  if (!exported.has(name)) exported.set(name, load(join(folder, name)))
  return exported.get(name)
}

function load(path) {
  const source = readFileSync(path, 'latin1')
  const script = new Script(source, { filename: path })
  scripts.set(path, { script, hash: source.slice(2, 2 + HASH_LENGTH) })
  const module_ = { exports: {} }
  script.runInThisContext()(module_.exports, requireFrom, module_, path, dirname(path))
  return module_.exports
}

const { main, warm } = requireFrom('./main.cjs')
if (typeof main !== 'function') throw new Error(`main.cjs in ${folder} exports no function main.`)
const warmed = warm ?? (() => main(['explain', '--', '/bin/true']))
Promise.resolve(warmed()).then(() => {
  for (const [path, { script, hash }] of scripts) {
    const file = path.replace(/cjs$/, 'cache')
    // The loader accepts a cache only for the script whose hash it begins with: V8 itself compares no more than the
    // lengths, and would run yesterday's code for a script of the same size.
    const cache = Buffer.concat([Buffer.from(hash, 'latin1'), script.createCachedData()])
    writeFileSync(`${file}.${process.pid}.tmp`, cache)
    renameSync(`${file}.${process.pid}.tmp`, file)
  }
  process.exit(0)
})
