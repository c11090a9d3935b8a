import type { HostFacts } from '../../host/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import { type FilterOptions, firstFilter, jobFilters, syscallFilterBytes } from '../../syscalls/index.js'
import { filterOptions } from '../answers/filter.js'
import { jobLabel } from './confinement.js'
import type { AgentSettings } from './conversation.js'
import { rlimits } from './rlimits.js'
import { NO_WALL, wall } from './wall.js'

/**
 * Everything that does not change from run to run.
 * @param kind how the agent is started: whether its first filter is set by nobody else, and whether its kernel is not this host's
 */
export function agentSettings(
  plan: Plan,
  host: HostFacts,
  { filterByAgent, ownKernel }: { readonly filterByAgent: boolean; readonly ownKernel: boolean },
  inForce = InForce.all,
): AgentSettings {
  const options = filterOptions(plan, host, inForce)
  return {
    workdir: plan.files.workdir,
    env: plan.env,
    deadlineMs: plan.lifetime.deadlineMs,
    label: inForce.on('security-module') && !ownKernel ? jobLabel(host) : null,
    wall: inForce.on('landlock') && !ownKernel ? wall(plan, host) : NO_WALL,
    ...filters(options, filterByAgent, ownKernel),
    rlimits: rlimits(plan, host, ownKernel, inForce),
  }
}

/** A gate asks the first process, which only Linux lets a filter do; the profile behind it is the same. */
function filters(
  options: FilterOptions,
  byAgent: boolean,
  ownKernel: boolean,
): Pick<AgentSettings, 'firstFilter' | 'filters'> {
  if (ownKernel) return { firstFilter: syscallFilterBytes(options), filters: null }
  return { firstFilter: byAgent ? firstFilter(options) : null, filters: jobFilters(options) }
}
