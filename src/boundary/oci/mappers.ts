import type { HostFacts } from '../../host/index.js'

/** What cell is told of who maps more ids than one. Root writes the maps of user namespaces by itself. */
export function mappers(host: HostFacts): string[] {
  const { newuidmap, newgidmap } = host.runtimes().subordinateIds
  if (host.canTakeUids || newuidmap === null || newgidmap === null) return []
  return ['--newuidmap', newuidmap, '--newgidmap', newgidmap]
}
