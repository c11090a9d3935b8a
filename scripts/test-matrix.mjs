/**
 * npm run test:matrix [-- WORD…]: the test run on each supported line of Node besides this one. Each comes from
 * npm (a package of nothing but the program, without an install script) into node_modules/.cache.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { Failure, root, runScript } from './build/checkout.mjs'

const LINES = [20, 22, 24]
const CACHE = join(root, 'node_modules/.cache/node')

await runScript('test-matrix', () => {
  const current = Number(process.versions.node.split('.')[0])
  const others = LINES.filter((line) => line !== current)
  install(others)
  const outcomes = others.map((line) => ({ line, ...runOn(line) }))

  for (const { version, passed } of outcomes)
    console.log(`${passed ? 'passed' : 'FAILED'} on Node ${version}`)
  return outcomes.every(({ passed }) => passed) ? 0 : 1
})

function install(lines) {
  mkdirSync(CACHE, { recursive: true })
  const program = `node-linux-${process.arch}`
  const aliases = lines.map((line) => `node-${line}@npm:${program}@${line}`)
  const args = [
    'install',
    '--prefix',
    CACHE,
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    ...aliases,
  ]
  const { status, stderr } = spawnSync('npm', args, { cwd: CACHE, encoding: 'utf8' })
  if (status !== 0) throw new Failure(`npm could not install ${aliases.join(', ')}.\n${stderr}`)
}

function runOn(line) {
  const folder = join(CACHE, 'node_modules', `node-${line}`, 'bin')
  const node = join(folder, 'node')
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
  if (!version.startsWith(`v${line}.`)) throw new Failure(`Node ${line} was asked for, and ${version} came.`)
  console.log(`\n=== Node ${version}`)
  // first on the PATH as well: the command line that the tests start is run by `env node`
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` }
  const { status } = spawnSync(node, [join(root, 'scripts/test.mjs'), ...process.argv.slice(2)], {
    cwd: root,
    env,
    stdio: 'inherit',
  })
  return { version, passed: status === 0 }
}
