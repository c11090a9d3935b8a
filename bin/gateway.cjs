/**
 * Starts the gateway, in its jail, where this file, main.cjs and main.cache (dist/gateway) stand side by side and nothing else
 * is. As bin/glovebox does: a cache that another Node made is refused by V8, one of another script by the hash before it.
 */
'use strict'
const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const { Script } = require('node:vm')

const HASH_LENGTH = 64
const [file, kept] = [join(__dirname, 'main.cjs'), join(__dirname, 'main.cache')]
const source = readFileSync(file, 'latin1')
const cache = existsSync(kept) ? readFileSync(kept) : undefined
const fits = cache !== undefined && cache.latin1Slice(0, HASH_LENGTH) === source.slice(2, 2 + HASH_LENGTH)
const script = new Script(source, {
  filename: file,
  cachedData: fits ? cache.subarray(HASH_LENGTH) : undefined,
  // what is needed later, such as HTTP, is loaded by require
  importModuleDynamically: undefined,
})
const exported = { exports: {} }
script.runInThisContext()(exported.exports, require, exported, file, __dirname)
exported.exports.main()
