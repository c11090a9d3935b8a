/** systemd on cgroup v1, alone or with an empty v2 beside it. */
import { readFileSync } from 'node:fs'
import { check, glovebox, ran, refused, SESSION } from './checks.mjs'
import { limitsOfRoot } from './limits.mjs'
import { claimOf, doctor, verifiedByBoth } from './verified.mjs'
import { STARTERS } from './walls.mjs'

const ROOT = { name: 'root', as: ['env'] }
const USER = { name: 'a user', as: SESSION.as }

export function oldCgroups(hybrid) {
  const mounted = /^cgroup2? \/sys\/fs\/cgroup\/unified cgroup2 /m.test(readFileSync('/proc/mounts', 'utf8'))
  check(`v2 is ${hybrid ? 'mounted beside it' : 'not mounted'}`, mounted === hybrid, mounted)
  const said = doctor(ROOT).host
  check('doctor says which it is', said?.what.includes('cgroup v1'), said)
  const memory = claimOf(ROOT, 'limits.memory')
  check('root: the plan says which it is', memory.by?.[0]?.includes('cgroup v1'), memory)
  limitsOfRoot()

  const advice = 'systemd.unified_cgroup_hierarchy=1'
  const first = glovebox(USER, '--', 'id', '-u')
  check('a user: memory is refused, with what gets it', refused(first, 'limits.memory', advice), first)
  doctor(USER, 'limits.memory')
  const waived = glovebox(USER, '--waive', 'limits.memory', '--', 'id', '-u')
  check('a user: waived, it runs', ran(waived), waived)
  verifiedByBoth(...STARTERS)
}
