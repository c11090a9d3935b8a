/** Tries some of the probes under a policy (JSON), as `glovebox verify` does. Prints the results, as JSON. */

import { parsePolicy } from '../../src/index.js'
import { PROBES } from '../../src/proof/probes/index.js'
import { verifyPlan } from '../../src/proof/verify/index.js'
import { hostOf, planOf } from '../../src/sandbox/index.js'

const [policy = '{}', families = ''] = process.argv.slice(2)
const wanted = families.split(',')
const probes = PROBES.filter(({ id }) => wanted.includes(id.replace(/\..*$/, '')))
const host = hostOf()
const waive = host.cgroups.controllers.includes('memory') ? [] : ['limits.memory']
const plan = planOf(parsePolicy({ version: 1, waive, ...JSON.parse(policy) }), host)
process.stdout.write(
  JSON.stringify({ probes: probes.length, results: await verifyPlan(plan, host, { probes }) }),
)
