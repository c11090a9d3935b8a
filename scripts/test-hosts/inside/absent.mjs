/** A kernel without Landlock: the second wall is not claimed, and what it alone forbids is not forbidden. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { check, PROGRAM, started } from './checks.mjs'
import { claimOf, doctor } from './verified.mjs'
import { ORDINARY, STARTERS, USE_FIFO } from './walls.mjs'

const CLAIM = 'files.second-wall'

export function withoutLandlock() {
  const modules = readFileSync('/sys/kernel/security/lsm', 'utf8')
  check('this kernel has no Landlock', !modules.includes('landlock'), modules)
  mkdirSync('/srv/fifo', { recursive: true })
  spawnSync('mkfifo', ['/srv/fifo/fifo'])
  chmodSync('/srv/fifo/fifo', 0o666)
  for (const starter of STARTERS) {
    const { name, as, flags = [] } = starter
    const is = (what, good, seen) => check(`${name}: ${what}`, good, seen)
    const run = (...args) => started([...as, PROGRAM, 'run', '--deadline', '2m', ...flags, ...args])
    const planned = claimOf(starter, CLAIM)
    is('explain says that it is not there', planned.status === 'notApplicable', planned)
    const ordinary = run('--', 'sh', '-c', ORDINARY)
    is('programs do what they do', ordinary.stdout === 'through\nran\nran\nroot\n', ordinary)
    const fifo = run('--read', '/srv/fifo:/in', '--', 'python3', '-c', USE_FIFO)
    is('the mounts alone let a fifo be written to, as they said', fifo.stdout === 'written\n', fifo)
    const report = `/tmp/absent-${name.replace(' ', '-')}.json`
    run('--report', report, '--', 'true')
    const { claims } = JSON.parse(readFileSync(report, 'utf8'))
    const reported = claims.find(({ id }) => id === CLAIM)
    is('the report does not claim it', reported.status === 'notApplicable', reported)
  }
  const [root] = STARTERS
  const said = doctor(root)[CLAIM]
  check('doctor notes it', said?.status === 'note' && said.what.includes('Landlock'), said)
}
