/** What pid 1 of a container is told. Pure. */
import type { HostFacts } from '../../host/index.js'
import type { InForce, Plan } from '../../plan/index.js'
import type { AgentSettings } from '../agent/conversation.js'
import { agentSettings } from '../agent/settings.js'
import type { RuntimeName } from './create-body.js'
import { asContained } from './host.js'

interface Asked {
  readonly host: HostFacts
  readonly runtime: RuntimeName
  readonly inForce: InForce
}

/** getrlimit(2): RLIMIT_NPROC */
const PROCESSES = 6
/** The thread that carries the streams is a task of the job's user, like pid 1 itself. */
const CARRIER = 1

export function containedSettings(plan: Plan, { host, runtime, inForce }: Asked): AgentSettings {
  const ownKernel = runtime === 'runsc'
  const settings = agentSettings(plan, asContained(host), { filterByAgent: true, ownKernel }, inForce)
  if (ownKernel) return settings
  const rlimits = settings.rlimits.map(([resource, soft, hard]): (typeof settings.rlimits)[number] =>
    resource === PROCESSES ? [resource, soft + CARRIER, hard + CARRIER] : [resource, soft, hard],
  )
  return { ...settings, rlimits }
}
