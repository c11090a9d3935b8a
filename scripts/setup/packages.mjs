/** node_modules as package-lock.json has it. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, root } from '../build/checkout.mjs'

export function installPackages() {
  if (asLocked()) return
  console.log('setup: npm ci')
  // no package of ours has an install script (a test says so), and none that comes in later gets to run one
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = process.env.npm_execpath
  const [program, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  const { status, stdout, stderr, error } = spawnSync(program, [...first, ...args], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0)
    throw new Failure(`npm ci failed.\n${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`.trim())
}

/** npm leaves the lock of what it installed in node_modules, written last: the two must say the same. */
function asLocked() {
  const wanted = entries('package-lock.json')
  const present = entries('node_modules/.package-lock.json')
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    const found = present[path]
    if (found === undefined) return path === '' || optional === true
    return found.version === version && found.integrity === integrity
  })
}

function entries(file) {
  const path = join(root, file)
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : {}
}
