#!/usr/bin/env node
// npm run bench -- start [--runs N] [--write]: builds, then runs bench/NAME.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const [name, ...rest] = process.argv.slice(2)
const known = readdirSync(join(root, 'bench'))
  .filter((file) => existsSync(join(root, 'bench', file, 'main.ts')))
  .join(', ')
if (name === undefined || !existsSync(join(root, 'bench', name, 'main.ts'))) {
  console.error(`bench: which one? npm run bench -- NAME [--runs N] [--write]. There is: ${known}.`)
  process.exit(2)
}
const build = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' })
if (build.status !== 0) process.exit(build.status ?? 1)
const run = spawnSync(process.execPath, [join(root, 'dist/bench', name, 'main.js'), ...rest], {
  stdio: 'inherit',
})
process.exit(run.status ?? 1)
