/** System packages: says which are missing and why, and installs those. Asks for no rights when none is. */
import { spawnSync } from 'node:child_process'
import { Failure } from '../build/checkout.mjs'
import { missing, shortfall } from './needs.mjs'

export function installSystemPackages(purpose) {
  const absent = missing(purpose)
  if (absent.length === 0) return
  for (const { package: name, why } of absent) console.log(`setup: ${name} is missing (${why})`)

  const [names, extra] = [false, true].map((optional) =>
    absent.filter((need) => (need.optional ?? false) === optional).map((need) => need.package),
  )
  if (names.length > 0) installNeeded(purpose, names)
  if (extra.length > 0) installExtra(extra)
}

function installNeeded(purpose, names) {
  const prefix = rootPrefix(names)
  console.log(`setup: installing ${names.join(', ')}`)
  // a repository that cannot be reached fails the update, and may hold none of these: the installation decides
  const update = apt(prefix, ['update'])
  const install = apt(prefix, ['install', '-y', '--no-install-recommends', ...names])
  if (install.status !== 0) {
    const said = `${update.status === 0 ? '' : update.stderr}${install.stderr}`.trim()
    throw new Failure(`apt-get could not install ${names.join(', ')}.\n${said}`)
  }
  const [still] = missing(purpose).filter(({ optional }) => optional !== true)
  if (still !== undefined) throw new Failure(shortfall(still))
}

/** What needs them is skipped without, and says so. */
function installExtra(names) {
  if (process.getuid() !== 0) return console.log(`setup: not installed, and not needed: ${names.join(', ')}`)
  console.log(`setup: installing ${names.join(', ')}`)
  const { status } = apt(['env'], ['install', '-y', '--no-install-recommends', ...names])
  if (status !== 0) console.log(`setup: ${names.join(', ')} could not be installed: some tests are skipped`)
}

/** argv that turns a command into root's; a failure that says what to type when there is no way. */
function rootPrefix(names) {
  if (!runs('apt-get')) {
    throw new Failure(
      `this is not Debian or Ubuntu (no apt-get). Install what gives the same as ${names.join(', ')}, then run this again.`,
    )
  }
  if (process.getuid() === 0) return ['env']
  if (runs('sudo')) return ['sudo', 'env']
  throw new Failure(
    `installing needs root, and there is no sudo. Run this as root, then start again:\n  ${byHand(names)}`,
  )
}

const byHand = (names) => `apt-get update && apt-get install -y --no-install-recommends ${names.join(' ')}`

const runs = (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0

function apt(prefix, args) {
  const [program, ...rest] = [
    ...prefix,
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-q',
    '-o',
    'DPkg::Lock::Timeout=120',
    ...args,
  ]
  // sudo asks for the password on the terminal itself, not on these
  return spawnSync(program, rest, {
    stdio: ['inherit', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
}
