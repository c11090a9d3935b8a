/**
 * npm run chaos [-- KILLS]: processes of runs killed with -9 at random moments, KILLS (1000) times for each user that the suite
 * can be; npm test does a few. GLOVEBOX_CHAOS_SEED repeats a run's choices.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Failure, root, runScript } from './build/checkout.mjs'

await runScript('chaos', () => {
  const kills = Number(process.argv[2] ?? 1000)
  if (!Number.isInteger(kills) || kills < 1)
    throw new Failure('the argument is a number of kills: npm run chaos -- 1000')
  const { status, signal } = spawnSync(process.execPath, [join(root, 'scripts/test.mjs'), 'chaos'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, GLOVEBOX_CHAOS_KILLS: String(kills) },
  })
  if (signal !== null) throw new Failure(`it was ended by ${signal}.`)
  return status
})
