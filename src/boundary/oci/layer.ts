/**
 * What a runtime's root is made of before anything is mounted on it: folders and files to mount on, and links. A runtime is given
 * them, so that it has nothing to make in a root whose contents may be anybody's. Pure.
 */
import type { HostFacts } from '../../host/index.js'
import type { Plan } from '../../plan/index.js'
import { type MountPoint, mountPoints, type RootParts } from '../root/mount-points.js'
import { SHOWN_ETC } from '../root/shown.js'

export interface Link {
  readonly path: string
  readonly target: string
}

/** In a scratch folder, which covers whatever the layer has there. */
export interface NestedPoint {
  /** of the plan's scratch places */
  readonly place: number
  /** absolute, below the place */
  readonly below: string
  readonly kind: MountPoint['kind']
}

export interface Layer {
  readonly points: readonly MountPoint[]
  readonly links: readonly Link[]
  readonly nested: readonly NestedPoint[]
}

export function layer(plan: RootParts, host: HostFacts): Layer {
  const nested = plan.files.scratch.places.flatMap((place, index) => nestedPoints(plan, place, index))
  if (plan.files.root.kind !== 'host') return { points: mountPoints(plan), links: [], nested }
  const shown = shownPaths(host)
  const points = shown.flatMap(({ path, kind }): MountPoint[] =>
    kind === 'file' ? [{ path, kind }] : kind === 'directory' ? [{ path, kind: 'folder' }] : [],
  )
  const links = shown.flatMap(({ path, kind }) =>
    kind.startsWith('link:') ? [{ path, target: kind.slice(5) }] : [],
  )
  return { points: [...points, ...ownPoints(plan)], links, nested }
}

export interface Shown {
  readonly path: string
  /** `file`, `directory`, or `link:` and its target */
  readonly kind: string
}

/** What of the host is shown where it is the root: programs, libraries, and what of /etc they need. */
export function shownPaths(host: HostFacts): Shown[] {
  const top = Object.entries(host.topLevel).map(([path, kind]) => ({ path, kind }))
  const etc = SHOWN_ETC.map((path) => ({ path, kind: host.paths[path] ?? '' }))
  return [{ path: '/usr', kind: 'directory' }, ...top, ...etc.filter(({ kind }) => kind !== '')]
}

/** Of those what is no link: what is bound. */
export function boundPaths({ files }: Pick<Plan, 'files'>, host: HostFacts): string[] {
  if (files.root.kind !== 'host') return []
  return shownPaths(host)
    .filter(({ kind }) => kind === 'file' || kind === 'directory')
    .map(({ path }) => path)
}

function ownPoints({ files }: Pick<Plan, 'files'>): MountPoint[] {
  const folders = ['/proc', '/dev', ...files.scratch.places].map(
    (path) => ({ path, kind: 'folder' }) as const,
  )
  return [...folders, ...grantPoints(files)]
}

function grantPoints(files: Plan['files']): (MountPoint & { readonly kind: { readonly grant: number } })[] {
  return [...files.read, ...files.live].map(({ inside }, grant) => ({ path: inside, kind: { grant } }))
}

/** Those for which `place` is the innermost scratch folder. */
function nestedPoints({ files }: RootParts, place: string, index: number): NestedPoint[] {
  const { places } = files.scratch
  const innermost = (path: string) =>
    places.filter((each) => path.startsWith(`${each}/`)).sort((a, b) => b.length - a.length)[0]
  const points: MountPoint[] = [
    ...places.map((path) => ({ path, kind: 'folder' }) as const),
    ...grantPoints(files),
  ]
  return points
    .filter(({ path }) => innermost(path) === place)
    .map(({ path, kind }) => ({ place: index, below: path.slice(place.length), kind }))
}
