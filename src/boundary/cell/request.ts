/** The plan as one request to cell (`native/cell/request.c`). Pure. */
import { type HostFacts, OWN_UID_BASE } from '../../host/index.js'
import { InForce, type NetworkPlan, type Plan } from '../../plan/index.js'
import { frame, text, u16, u32, u64 } from '../agent/wire.js'
import { isPinned } from '../answers/filter.js'
import type { OwnFiles } from '../boundary.js'
import type { MountPoint } from '../root/mount-points.js'
import { ownEtc } from '../root/own-etc.js'
import type { NetworkPlace, WallProgram } from './wall-program.js'

/** The job is what the kernel should end first when the whole host runs out of memory. */
export const OOM_SCORE = 800

/** Of a grant, see `native/cell/cell.h`. */
const GRANT_IDMAPPED = 1
const GRANT_WRITABLE = 2

/** Of a tree, and of the places to mount on in it. */
const TREE_AS_ROOT = 1
const POINT_FILE = 254
const POINT_FOLDER = 255

/** Of a network, likewise. */
const NETWORK_LOOPBACK = 1
const NETWORK_BY_PORT = 2
const NETWORK_PLACES: Readonly<Record<NetworkPlace, number>> = { here: 0, beyond: 4, tap: 8 }
const MAX_PORTS = 1024
const DNS_PORT = 53

const CPU_PERIOD_US = 100_000

/** Where scratch is left without a bound, it is so many times as large: what a probe puts there all the same. */
const UNBOUNDED = 16

/** /tmp is everybody's by convention; the rest belongs to the job alone. */
export const placeMode = (inside: string) => (inside === '/tmp' || inside === '/dev/shm' ? 0o1777 : 0o755)

/** How a kernel is treated; a test asks for the ways of others. */
export interface RequestOptions {
  /** as one without TPROXY: a listening socket for each port of a rule */
  readonly byPort?: boolean
  /** its network is there, as for another program; absent: where its own program has it */
  readonly network?: NetworkPlace
  /** absent: all mechanisms */
  readonly inForce?: InForce
}

/** Everything of the request that does not change from run to run. */
export function launchRequest(
  plan: Plan,
  host: HostFacts,
  program: WallProgram,
  options: RequestOptions = {},
): Buffer {
  const { inForce = InForce.all } = options
  const places = plan.files.scratch.places.map((inside) => u32(placeMode(inside)))
  const ownUid = host.canTakeUids && inForce.on('own-host-uid')
  const idmap = host.canIdmap && ownUid && inForce.on('grant-idmapped') ? GRANT_IDMAPPED : 0
  const readable = idmap | (inForce.on('grant-read-only') ? 0 : GRANT_WRITABLE)
  const { group = null } = program
  const roomy = inForce.on('bounded-scratch') ? 1 : UNBOUNDED
  return Buffer.concat([
    ...(ownUid ? [frame('u', u32(OWN_UID_BASE), ...(group === null ? [] : [u32(group)]))] : []),
    frame('o', u32(OOM_SCORE)),
    ...cgroupWrites(plan, host, program, inForce),
    ...plan.files.read.map(({ host: path }) => frame('g', Buffer.from([readable]), text(path))),
    ...plan.files.live.map(({ host: path }) => frame('g', Buffer.from([idmap | GRANT_WRITABLE]), text(path))),
    frame('s', u64(plan.files.scratch.bytes * roomy), u64(plan.files.scratch.inodes * roomy), ...places),
    ...Object.entries(ownEtc(plan)).map(([name, content]) => frame('e', text(name), Buffer.from(content))),
    ...(isNetworked(plan, inForce)
      ? [networkFrame(plan.network, { network: program.network, ...options })]
      : []),
    ...program.frames(plan, host, inForce),
  ])
}

/** The root, where it is a folder. What only root can look for is found, as in root's own store; what is in it keeps its owners and modes. */
export function treeFrames({ files: { root } }: Plan, host: HostFacts, inForce: InForce): Buffer[] {
  if (root.kind === 'host') return []
  const asRoot = host.canTakeUids && inForce.on('own-host-uid') && host.canIdmap
  return [frame('r', Buffer.from([asRoot ? TREE_AS_ROOT : 0]), text(root.path))]
}

export function pointFrames(points: readonly MountPoint[]): Buffer[] {
  return points.map(({ path, kind }) => frame('m', Buffer.from([pointKind(kind)]), text(path)))
}

export function pointKind(kind: MountPoint['kind']): number {
  return kind === 'folder' ? POINT_FOLDER : kind === 'file' ? POINT_FILE : kind.grant
}

/** Whether there is a network to be made, and the ends of it arrive. */
export function isNetworked(plan: Plan, inForce: InForce): plan is Plan & { network: NetworkPlan } {
  return plan.network !== null && inForce.on('network-namespace')
}

export function networkFrame(
  network: NetworkPlan,
  { byPort = false, network: place = 'here', inForce = InForce.all }: RequestOptions,
): Buffer {
  const flags =
    (network.loopback ? NETWORK_LOOPBACK : 0) |
    (byPort || !inForce.on('tproxy') ? NETWORK_BY_PORT : 0) |
    NETWORK_PLACES[place]
  const named = network.rules.flatMap(({ ports }) => ports.map(({ port }) => port))
  // only where the kernel has no TPROXY: what a policy names beyond so many is refused there like any other port
  const ports = [...new Set([DNS_PORT, ...named])].slice(0, MAX_PORTS)
  const resolver = network.resolver.split('.').map(Number)
  return frame('n', Buffer.from([flags, ...resolver]), ...ports.map(u16))
}

/** What changes: the sandbox's number, the files that are its alone, and where on the host's processors it stands if it is pinned. */
export function launchHead(
  id: number,
  plan: Plan,
  host: HostFacts,
  turn: number,
  { files = {}, inForce = InForce.all }: { readonly files?: OwnFiles; readonly inForce?: InForce } = {},
): Buffer {
  const pinned = isPinned(plan, host) && inForce.on('pinned-processors')
  const pin = pinned ? [frame('p', u32(turn), u32(plan.limits.cpus ?? 1))] : []
  const own = Object.entries(files).map(([name, content]) => frame('e', text(name), Buffer.from(content)))
  return Buffer.concat([frame('i', u32(id)), ...pin, ...own])
}

function cgroupWrites(plan: Plan, host: HostFacts, program: WallProgram, inForce: InForce): Buffer[] {
  const memoryBytes = inForce.on('cgroup-memory') ? plan.limits.memoryBytes : null
  const cpus = inForce.on('cgroup-cpu') ? plan.limits.cpus : null
  const processes = inForce.on('cgroup-pids') ? plan.limits.processes : null
  return host.cgroups.bases.flatMap(({ kind }, index) => {
    const set = (file: string, value: string | number) =>
      frame('c', Buffer.from([index]), text(file), text(`${value}`))
    const setIfThere = (file: string, value: string | number) =>
      frame('C', Buffer.from([index]), text(file), text(`${value}`))
    const writes: Buffer[] = []
    const quotaUs = Math.max(1000, Math.round((cpus ?? 0) * CPU_PERIOD_US))
    if (kind === 'memory' && memoryBytes !== null)
      writes.push(
        set('memory.limit_in_bytes', memoryBytes),
        // memory and swap together; a kernel without swapaccount=1 has only the next
        setIfThere('memory.memsw.limit_in_bytes', memoryBytes),
        setIfThere('memory.swappiness', 0),
      )
    if (kind === 'unified' && memoryBytes !== null)
      writes.push(
        set('memory.max', memoryBytes),
        setIfThere('memory.swap.max', 0),
        set('memory.oom.group', 1),
      )
    if ((kind === 'pids' || kind === 'unified') && processes !== null)
      writes.push(set('pids.max', program.tasks(processes, host)))
    if (kind === 'cpu' && cpus !== null)
      writes.push(set('cpu.cfs_period_us', CPU_PERIOD_US), set('cpu.cfs_quota_us', quotaUs))
    if (kind === 'unified' && cpus !== null && host.cgroups.controllers.includes('cpu'))
      writes.push(set('cpu.max', `${quotaUs} ${CPU_PERIOD_US}`))
    return writes
  })
}
