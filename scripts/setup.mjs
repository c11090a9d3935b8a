/**
 * npm run setup [-- --for build|demo|test|package]: everything between a fresh clone and a working Glovebox. What is
 * there already is left alone, so it costs little to run it each time. Uses nothing but Node and this checkout.
 */
import { build, PARTS } from './build/all.mjs'
import { alone, Failure, runScript } from './build/checkout.mjs'
import { PURPOSES } from './setup/needs.mjs'
import { installPackages } from './setup/packages.mjs'
import { installSystemPackages } from './setup/system.mjs'

await runScript('setup', async () => {
  checkNode()
  const purpose = purposeFrom(process.argv.slice(2))
  if (process.platform !== 'linux') throw new Failure('Glovebox runs on Linux only.')
  await alone(() => {
    installSystemPackages(purpose)
    installPackages()
  })
  // a package, and so its tests, has the programs of every architecture
  await build(['package', 'test'].includes(purpose) ? Object.keys(PARTS) : undefined)
  if (process.argv.length === 2) console.log('setup: ready')
})

function purposeFrom(args) {
  if (args.length === 0) return 'build'
  const [flag, purpose, ...rest] = args
  if (flag === '--for' && PURPOSES.includes(purpose) && rest.length === 0) return purpose
  throw new Failure(`the arguments are: --for ${PURPOSES.join('|')}.`)
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  throw new Failure(
    `Node 20.19 or newer is needed; this is ${process.version}. https://nodejs.org/en/download has it.`,
  )
}
