/** The root of a plan as mounts of an OCI configuration (config.md, "Mounts"), in the order in which they are made. Pure. */
import type { HostFacts } from '../../host/index.js'
import { inspects } from '../../network/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import type { RootParts } from '../root/mount-points.js'
import { COVERED_BUNDLES } from '../root/shown.js'
import { boundPaths } from './layer.js'

export interface Mount {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}

/** Of cell's stage, see native/cell/stage.c. */
const OWN_LAYER = '/sys/o'
const TREE = '/sys/t'
const SCRATCH = '/sys/s'
const GRANT = '/sys/g'

/** What the runtime takes for its root. */
export function rootFolder({ files }: Pick<Plan, 'files'>): string {
  return files.root.kind === 'host' ? OWN_LAYER : TREE
}

/** Of a mount and of all below it: what is mounted on the host below /usr comes with it. */
const READ_ONLY = ['rbind', 'rprivate', 'ro', 'rro', 'nosuid', 'rnosuid', 'nodev', 'rnodev']
const WRITABLE = ['rbind', 'rprivate', 'nosuid', 'nodev']

const shownAs = (source: string, destination: string, options: readonly string[]): Mount => ({
  destination,
  type: 'bind',
  source,
  options,
})

export function mounts(plan: RootParts, host: HostFacts, inForce = InForce.all): Mount[] {
  const options = inForce.on('read-only-root') ? READ_ONLY : WRITABLE
  const shown = boundPaths(plan, host).map((path) => shownAs(path, path, options))
  return [...shown, ...mountsOnLayer(plan, host, KERNEL)]
}

/** The same, where what is shown of the host is in the layer already. `kernel`: what of one is shown, its /proc and /dev */
export function mountsOnLayer(plan: RootParts, host: HostFacts, kernel: readonly Mount[]): Mount[] {
  return [...trust(plan, host, plan.files.root.kind !== 'host'), ...kernel, ...files(plan)]
}

/** Where programs look for authorities, what the sandbox's own is told of. */
function trust({ network }: RootParts, host: HostFacts, tree: boolean): Mount[] {
  if (!inspects(network)) return []
  return Object.entries(COVERED_BUNDLES)
    .filter(([path]) => tree || host.paths[path] === 'file')
    .map(([path, name]) => shownAs(`${OWN_LAYER}/etc/${name}`, path, READ_ONLY))
}

/** A runtime puts nodes of its own only into a /dev that is not bound. */
export const KERNEL: readonly Mount[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'nodev', 'noexec'] },
  shownAs('/sys/d', '/dev', ['rbind', 'rprivate', 'ro', 'nosuid', 'noexec']),
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
  },
]

/** Outer folders first, so that a grant below another is mounted over it and not under it. */
function files({ files: { scratch, read, live } }: RootParts): Mount[] {
  const places = scratch.places.map((inside, index) => shownAs(`${SCRATCH}/${index}`, inside, WRITABLE))
  const grants = read.map(({ inside }, index) => shownAs(`${GRANT}${index}`, inside, READ_ONLY))
  const written = live.map(({ inside }, index) => shownAs(`${GRANT}${read.length + index}`, inside, WRITABLE))
  const depth = ({ destination }: Mount) => destination.split('/').length
  return [...places, ...grants, ...written].sort((a, b) => depth(a) - depth(b))
}
