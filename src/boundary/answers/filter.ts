/** What the system call filter of a plan is to say. */
import type { HostFacts } from '../../host/index.js'
import { InForce, type Unanswered } from '../../plan/index.js'
import type { FilterOptions } from '../../syscalls/index.js'
import { filterParts } from './filter-parts.js'

export function isPinned(plan: Unanswered, host: HostFacts): boolean {
  const { cpus } = plan.limits
  return cpus !== null && !host.cgroups.controllers.includes('cpu') && cpus < host.cpus
}

/** A folder of the host's may hold a server's socket; the store holds none. */
export function showsFolders({ files }: Unanswered): boolean {
  return files.live.length > 0 || files.read.length > 0 || files.root.kind === 'dir'
}

export function filterOptions(plan: Unanswered, host: HostFacts, inForce = InForce.all): FilterOptions {
  const { deny, allow, profile, lock } = plan.syscalls
  const arch = host.arch === 'arm64' ? 'arm64' : 'x64'
  const hostWrites = plan.files.live.length > 0
  const hostFolders = showsFolders(plan)
  const cpuPinned = isPinned(plan, host)
  const inet = plan.network !== null
  const missing = filterParts(inForce)
  const options = { arch, profile, lock, deny, allow, inet, cpuPinned, hostFolders, hostWrites } as const
  return missing.length === 0 ? options : { ...options, missing }
}
