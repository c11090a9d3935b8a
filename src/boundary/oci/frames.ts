/** What a request to cell has for an OCI runtime, see native/cell/request.c. Pure. */
import { type HostFacts, type IdRange, OWN_UID_BASE, SECOND_UID_ABOVE } from '../../host/index.js'
import type { InForce, Plan } from '../../plan/index.js'
import { frame, text, u32 } from '../agent/wire.js'
import { pointFrames, pointKind, treeFrames } from '../cell/request.js'
import type { MountPoint } from '../root/mount-points.js'
import { ociConfig } from './config.js'
import { layer } from './layer.js'

export function runtimeFrames(
  plan: Plan,
  host: HostFacts,
  argv: readonly string[],
  inForce: InForce,
): Buffer[] {
  return bundleFrames(plan, host, inForce, {
    argv,
    config: ociConfig(plan, host, inForce),
    ids: 1,
    points: [],
    bound: [],
  })
}

export interface Bundle {
  readonly argv: readonly string[]
  /** config.json */
  readonly config: object
  /** how many the runtime has beside the sandbox's own */
  readonly ids: 1 | 2
  /** to mount on, besides the plan's */
  readonly points: readonly MountPoint[]
  /** paths of the host's that cell binds into the layer, so that the runtime has not to mount them */
  readonly bound: readonly string[]
}

export function bundleFrames(
  plan: Plan,
  host: HostFacts,
  inForce: InForce,
  { argv, config, ids, points: more, bound }: Bundle,
): Buffer[] {
  const { points, links, nested } = layer(plan, host)
  return [
    ...treeFrames(plan, host, inForce),
    ...pointFrames([...points, ...more]),
    ...links.map(({ path, target }) => frame('l', text(target), text(path))),
    ...bound.map((path) => frame('h', text(path))),
    ...nested.map(({ place, below, kind }) => frame('M', Buffer.from([place, pointKind(kind)]), text(below))),
    frame('t', ...moreIds(host, ids).flat().map(u32)),
    frame('b', Buffer.from(JSON.stringify(config))),
    ...argv.map((each) => frame('x', text(each))),
  ]
}

/**
 * Of the container's root, whom nobody runs as, or of a runtime's own processes: as root the sandbox's own, which cell counts like the
 * first; else what /etc/subuid and /etc/subgid give this user, the same for all of its sandboxes. The last of them: a rootless
 * container engine of the same user maps them from the first on, so that those are somebody in its containers, and own their files.
 */
export function moreIds(host: HostFacts, count: number): (readonly [uid: number, gid: number])[] {
  const { uids, gids } = host.runtimes().subordinateIds
  return Array.from({ length: count }, (_, index) => {
    if (!host.canTakeUids) return [fromEnd(uids, index), fromEnd(gids, index)] as const
    const own = OWN_UID_BASE + (index + 1) * SECOND_UID_ABOVE
    return [own, own] as const
  })
}

/** 0 where there are not so many: no request then. */
function fromEnd(ranges: readonly IdRange[], index: number): number {
  for (const { first, count } of [...ranges].reverse()) {
    if (index < count) return first + count - 1 - index
    index -= count
  }
  return 0
}
