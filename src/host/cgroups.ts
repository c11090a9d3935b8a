/** Where this process may make control groups. Pure: reads `/proc` texts and asks what it needs to know. */

import { type Mount, mountsOf } from './mounts.js'

export interface CgroupBase {
  /** `memory`, `pids`, `cpu`: a v1 hierarchy; `unified`: v2 */
  readonly kind: 'memory' | 'pids' | 'cpu' | 'unified'
  /** absolute folder below which a sandbox's own folder is made */
  readonly directory: string
  /** v2: a delegated group with processes in it, ours among them: they move to one of their own, or it can't limit others */
  readonly occupied?: true
}

export interface CgroupFacts {
  readonly version: 1 | 2 | null
  readonly bases: readonly CgroupBase[]
  /** what can be limited through `bases` */
  readonly controllers: readonly ('memory' | 'pids' | 'cpu')[]
  /** why something is missing, one sentence; empty when nothing is */
  readonly missing: string
}

export interface CgroupLook {
  readonly selfCgroup: string
  readonly mountinfo: string
  /** may this process make folders and move processes there? */
  readonly writable: (directory: string) => boolean
  readonly read: (file: string) => string | null
}

const CONTROLLERS = ['memory', 'pids', 'cpu'] as const

export function cgroupFacts(look: CgroupLook): CgroupFacts {
  const mounts = mountsOf(look.mountinfo).filter(({ type }) => type === 'cgroup' || type === 'cgroup2')
  const paths = ownPaths(look.selfCgroup)
  const v1 = v1Bases(look, mounts, paths)
  if (v1.mounted)
    return facts(1, v1.bases, v1.bases.map((base) => base.kind) as (typeof CONTROLLERS)[number][])
  const unified = mounts.find((mount) => mount.type === 'cgroup2')
  if (unified) return v2Facts(look, unified, paths.get('') ?? '/')
  return { version: null, bases: [], controllers: [], missing: 'No cgroup file system is mounted.' }
}

function facts(
  version: 1 | 2,
  bases: readonly CgroupBase[],
  controllers: readonly (typeof CONTROLLERS)[number][],
): CgroupFacts {
  const lacking = CONTROLLERS.filter((name) => !controllers.includes(name)).join(', ')
  return { version, bases, controllers, missing: lacking === '' ? '' : lack(version, bases, lacking) }
}

function lack(version: 1 | 2, bases: readonly CgroupBase[], lacking: string): string {
  const base = bases.find(({ kind }) => kind === 'unified')
  return base === undefined
    ? `This user may not make a cgroup (v${version}) with the controllers: ${lacking}.`
    : `The cgroup ${base.directory} is not given the controllers: ${lacking}.`
}

/** cgroups(7), /proc/[pid]/cgroup: `id:controllers:path` */
function ownPaths(text: string): Map<string, string> {
  const paths = new Map<string, string>()
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line)
    if (match) for (const name of (match[1] ?? '').split(',')) paths.set(name, match[2] ?? '/')
  }
  return paths
}

/** Where `path` of the hierarchy is visible; `null` when the mount shows another part of it. */
function visible(mount: Mount, path: string): string | null {
  const root = mount.root === '/' ? '' : mount.root
  if (path.split('/').includes('..')) return null // above what this cgroup namespace shows
  if (path === root || path === mount.root) return mount.point
  if (!path.startsWith(`${root}/`)) return root === '' ? mount.point : null
  return path === '/' ? mount.point : `${mount.point}${path.slice(root.length)}`
}

function v1Bases(look: CgroupLook, mounts: readonly Mount[], paths: ReadonlyMap<string, string>) {
  const bases: CgroupBase[] = []
  let mounted = false
  for (const kind of CONTROLLERS) {
    const mount = mounts.find((each) => each.type === 'cgroup' && each.superOptions.includes(kind))
    if (!mount) continue
    mounted = true
    const directory = visible(mount, paths.get(kind) ?? '/')
    if (directory !== null && look.writable(directory)) bases.push({ kind, directory })
  }
  return { mounted, bases }
}

/**
 * v2 forbids processes in a group that hands controllers down, so the place is not our own group but the nearest one
 * above it that already hands them down and lets us make groups and move processes. Where there is none, our own will
 * do if it was delegated: a service of an ordinary user with `Delegate=yes`, a container with a hierarchy of its own.
 * What a group hands down is never changed otherwise: it is its service manager's, which would change it back.
 */
function v2Facts(look: CgroupLook, mount: Mount, path: string): CgroupFacts {
  const own = visible(mount, path)
  if (own === null) return facts(2, [], [])
  for (let at = own === mount.point ? own : parent(own); at !== null; at = parent(at)) {
    if (at.length < mount.point.length) break
    const controllers = controllersIn(look, `${at}/cgroup.subtree_control`)
    if (suffices(controllers) && look.writable(at))
      return facts(2, [{ kind: 'unified', directory: at }], controllers)
  }
  const given = controllersIn(look, `${own}/cgroup.controllers`)
  if (suffices(given) && look.writable(own))
    return facts(2, [{ kind: 'unified', directory: own, occupied: true }], given)
  return facts(2, [], [])
}

type Controllers = readonly (typeof CONTROLLERS)[number][]

function controllersIn(look: CgroupLook, file: string): Controllers {
  const names = (look.read(file) ?? '').trim().split(/\s+/)
  return CONTROLLERS.filter((name) => names.includes(name))
}

const suffices = (controllers: Controllers) => controllers.includes('memory') && controllers.includes('pids')

function parent(directory: string): string | null {
  const slash = directory.lastIndexOf('/')
  return slash > 0 ? directory.slice(0, slash) : null
}
