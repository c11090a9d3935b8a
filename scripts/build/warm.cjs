/**
 * warm.cjs SCRIPT CACHE: runs what a start of the command line runs, and keeps what V8 compiled for it.
 * `warm()` of the script says what that is; without one, it is a plan that is made and shown.
 */
'use strict'
const { readFileSync, writeFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { dirname } = require('node:path')
const { Script } = require('node:vm')

const [path, cache] = process.argv.slice(2)
const script = new Script(readFileSync(path, 'latin1'), { filename: path })
const module_ = { exports: {} }
script.runInThisContext()(module_.exports, createRequire(path), module_, path, dirname(path))

const { main, warm } = module_.exports
if (typeof main !== 'function') throw new Error('src/cli/main.ts exports no function main.')
const warmed = warm ?? (() => main(['explain', '--', '/bin/true']))
Promise.resolve(warmed()).then(() => {
  writeFileSync(cache, script.createCachedData())
  process.exit(0)
})
