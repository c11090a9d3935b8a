/** An ordinary user has cgroups where systemd hands them down: in a scope of the user's own manager. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../build/checkout.mjs'
import { PROGRAM } from './glovebox.mjs'

const MARK = 'GLOVEBOX_DEMO_IN_SCOPE'
const SCOPE = ['--user', '--scope', '--quiet', '--']

/** The exit code of the demo in such a scope; `null` when there is none, or it doesn't help. */
export function runAgainInScope() {
  if (process.getuid() === 0 || process.env[MARK] !== undefined) return null
  const look = spawnSync('systemd-run', [...SCOPE, PROGRAM, 'explain', '--policy', 'imagemagick'], {
    cwd: root,
    stdio: 'ignore',
    timeout: 10_000,
  })
  if (look.status !== 0) return null
  console.log('This user has cgroups in a scope of its own: systemd-run --user --scope -- npm run demo')
  const demo = [process.execPath, join(root, 'scripts/demo.mjs')]
  const { status } = spawnSync('systemd-run', [...SCOPE, ...demo], {
    stdio: 'inherit',
    env: { ...process.env, [MARK]: '1' },
  })
  return status ?? 1
}
