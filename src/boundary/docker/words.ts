/** What an engine is told, for `explain` and for people. Pure. */
import type { HostFacts } from '../../host/index.js'
import type { Plan } from '../../plan/index.js'
import { dockerSeccomp } from '../../syscalls/index.js'
import { rlimits } from '../agent/rlimits.js'
import { filterOptions } from '../answers/filter.js'
import { ownEtc } from '../root/own-etc.js'
import { agentWords, createBody, type RuntimeName } from './create-body.js'
import { asContained, engineIn } from './host.js'
import { identityOf } from './identity.js'
import { knowledgeOf, MASKED_PROC } from './known.js'
import { dockerRoot } from './root.js'
import { NEWEST } from './version.js'

/** The body of the request that makes a container; what is drawn or found at a start has its name in its place. */
export function dockerWords(plan: Plan, host: HostFacts, runtime: RuntimeName): string[] {
  const engine = engineIn(host)
  const contained = asContained(host)
  const own = Object.fromEntries(Object.keys(ownEtc(plan)).map((name) => [name, `OWN/${name}`]))
  const [major, minor] = engine?.apiVersion.split('.').map(Number) ?? NEWEST
  const body = createBody(
    plan,
    { api: [major ?? 1, minor ?? 0], cgroups: engine?.cgroupVersion ?? 1 },
    {
      image: 'IMAGE',
      shown: dockerRoot(plan, host, knowledgeOf(plan, host, own)).shown,
      runtime,
      cpus: host.cpus,
      identity: identityOf(plan, engine?.usernsRemap ?? false, 0),
      seccomp: dockerSeccomp(filterOptions(plan, contained)),
      rlimits: rlimits(plan, contained, runtime === 'runsc'),
      masked: MASKED_PROC,
      labels: {},
      network: runtime === 'runsc' && plan.network !== null ? { container: 'NETWORK' } : 'own',
      argv: agentWords(runtime),
    },
  )
  return JSON.stringify(body, null, 2).split('\n')
}
