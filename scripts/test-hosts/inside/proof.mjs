/** What this machine's kernel has and others lack is attacked by `glovebox verify`, and missed by it when it is left off. */
import { chmodSync, mkdirSync } from 'node:fs'
import { check, PROGRAM, started } from './checks.mjs'

const GIVEN = '/srv/given'
const WORKER = '/opt/glovebox/dist/test/proof/mutation-worker.js'
const ONLY = ['--only', 'files.second-wall', '--only', 'isolation.security-module']
/** Of test/proof/mutation-table.ts, the rows that wait for such a kernel. */
const ROWS = [
  { mechanism: 'landlock', probe: 'second-wall.fifo', under: 'grants' },
  { mechanism: 'security-module', probe: 'security-module.label', under: 'plain' },
]

export function proof({ name, as, flags = [] }) {
  const is = (what, good, seen) => check(`${name}, proof: ${what}`, good, seen)
  mkdirSync(GIVEN, { recursive: true })
  chmodSync(GIVEN, 0o755)
  const verified = started([...as, PROGRAM, 'verify', '--json', ...flags, '--read', GIVEN, ...ONLY])
  const tried = probesOf(verified.stdout)
  for (const { probe } of ROWS) is(`${probe} holds`, tried[probe] === 'holds', verified)
  const tasks = ROWS.flatMap(({ mechanism, probe, under }) => [
    { under, off: [], probes: [probe] },
    { under, off: [mechanism], probes: [probe] },
  ])
  const asked = JSON.stringify({ builds: '/opt/glovebox/dist/mutable', tasks })
  const missed = started([...as, '/usr/bin/node', WORKER], asked)
  const lines = missed.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
  for (const [at, { probes, off }] of tasks.entries()) {
    const said = lines.find((line) => line.task === at && line.probe === probes[0])
    const wanted = off.length === 0 ? 'holds' : 'broken'
    is(
      `${probes[0]} is ${wanted} without ${off.join() || 'nothing'}`,
      said?.status === wanted,
      said ?? missed,
    )
  }
}

function probesOf(json) {
  try {
    return Object.fromEntries(JSON.parse(json).probes.map(({ id, status }) => [id, status]))
  } catch {
    return {}
  }
}
