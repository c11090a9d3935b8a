/** Plans of policies for one fixed machine. */
import { boundaryNamed } from '../../src/boundary/index.js'
import type { Plan } from '../../src/plan/index.js'
import type { Policy } from '../../src/policy/index.js'
import { planFor } from '../../src/sandbox/index.js'
import { HOSTS, type HostName } from '../plan/hosts.js'
import { NO_CEILING, parse } from '../policy/harness.js'

export const BOUNDARY = boundaryNamed('process')!

/** A policy in which every path exists, as a folder. */
export function checked(policy: object): Policy {
  return parse(
    { version: 1, ...policy },
    { ceiling: NO_CEILING, resolveHostPath: (path) => ({ path, kind: 'directory' }) },
  )
}

export function planOf(policy: object, host: HostName = 'root with cgroup v1'): Plan {
  return planFor(checked(policy), BOUNDARY, HOSTS[host])
}
