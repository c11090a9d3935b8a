/** What is checked on each host of scripts/test-hosts/hosts.mjs, by its name. */
import { withoutLandlock } from './absent.mjs'
import { USERS_OWN } from './checks.mjs'
import { confined } from './confined.mjs'
import { containers } from './containers.mjs'
import { domain } from './domain.mjs'
import { limitsOfAll } from './limits.mjs'
import { network } from './network.mjs'
import { oldCgroups } from './old-cgroups.mjs'
import { plainUser } from './plain.mjs'
import { refusals } from './refusals.mjs'
import { restricted } from './restricted.mjs'
import { doctor, verified, verifiedByBoth } from './verified.mjs'
import { STARTERS, walls } from './walls.mjs'

const ROOT = { name: 'root', as: [] }
const DELEGATED = { name: 'a user’s scope', as: [...USERS_OWN, '--scope', '-p', 'Delegate=yes', '--'] }

export const CHECKS = {
  debian: async () => {
    for (const starter of [ROOT, DELEGATED]) doctor(starter)
    await limitsOfAll()
    refusals()
    await walls()
    await network()
    confined()
    for (const starter of [ROOT, DELEGATED]) verified(starter)
  },
  selinux: async () => {
    domain()
    await network()
  },
  'userns-restricted': restricted,
  'no-landlock': () => {
    withoutLandlock()
    verifiedByBoth(...STARTERS)
  },
  'plain-user': plainUser,
  'cgroup-hybrid': () => oldCgroups(true),
  'cgroup-v1': () => oldCgroups(false),
  containers,
}
