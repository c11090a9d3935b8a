/**
 * warm.cjs FOLDER: runs what a start of the command line runs, and keeps what V8 compiled of each script for it,
 * as NAME.raw. `warm()` of main.cjs says what that is; without one, it is a plan that is made and shown.
 */
'use strict'
const { readFileSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { Script } = require('node:vm')

const [folder] = process.argv.slice(2)
const scripts = new Map()
const exported = new Map()

function requireFrom(name) {
  if (!name.startsWith('./')) return require(name)
  if (!exported.has(name)) exported.set(name, load(join(folder, name)))
  return exported.get(name)
}

function load(path) {
  const script = new Script(readFileSync(path, 'latin1'), { filename: path })
  scripts.set(path, script)
  const module_ = { exports: {} }
  script.runInThisContext()(module_.exports, requireFrom, module_, path, dirname(path))
  return module_.exports
}

const { main, warm } = requireFrom('./main.cjs')
if (typeof main !== 'function') throw new Error('src/cli/main.ts exports no function main.')
const warmed = warm ?? (() => main(['explain', '--', '/bin/true']))
Promise.resolve(warmed()).then(() => {
  for (const [path, script] of scripts) writeFileSync(path.replace(/cjs$/, 'raw'), script.createCachedData())
  process.exit(0)
})
