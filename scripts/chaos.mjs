/**
 * npm run chaos [-- KILLS] [--boundary NAME|all]: processes of runs, and the parts of a service at work, killed with -9 at random moments, KILLS (1000)
 * times for each user that the suite can be, on one boundary (process) or on each that this host has; npm test does a few.
 * GLOVEBOX_CHAOS_SEED repeats a run's choices.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Failure, root, runScript } from './build/checkout.mjs'

/** Of test files, by what their paths have. */
const SUITES = {
  process: ['test/chaos/'],
  runc: ['boundaries/runc-chaos', 'boundaries/runc-parts'],
  gvisor: ['boundaries/gvisor-parts'],
  docker: ['boundaries/docker-parts'],
  'docker+runsc': ['boundaries/docker-runsc-parts'],
  microvm: ['boundaries/microvm-parts'],
}
const USAGE = 'npm run chaos -- 1000 --boundary process'

await runScript('chaos', () => {
  const args = process.argv.slice(2)
  const at = args.indexOf('--boundary')
  const [boundary = ''] = at === -1 ? ['process'] : args.splice(at, 2).slice(1)
  const kills = Number(args[0] ?? 1000)
  if (args.length > 1 || !Number.isInteger(kills) || kills < 1)
    throw new Failure(`the argument is a number of kills: ${USAGE}`)
  const words = boundary === 'all' ? Object.values(SUITES).flat() : SUITES[boundary]
  if (words === undefined)
    throw new Failure(`there is no boundary ${boundary}: ${Object.keys(SUITES).join(', ')}, or all. ${USAGE}`)
  const { status, signal } = spawnSync(process.execPath, [join(root, 'scripts/test.mjs'), ...words], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, GLOVEBOX_CHAOS_KILLS: String(kills) },
  })
  if (signal !== null) throw new Failure(`it was ended by ${signal}.`)
  return status
})
