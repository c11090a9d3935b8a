/** Where something is mounted in a root that is a folder of the host's. */
import { inspects } from '../../network/index.js'
import type { Plan } from '../../plan/index.js'
import { COVERED_BUNDLES } from './shown.js'

export type RootParts = Pick<Plan, 'network' | 'files'>

/** What something is mounted on in a tree: nothing of the tree's own is. */
export interface MountPoint {
  readonly path: string
  /** of the plan's grants, live ones last: it is a folder or a file as the grant is */
  readonly kind: 'folder' | 'file' | { readonly grant: number }
}

/** In no order that matters; empty for `root: host`, which bubblewrap makes from nothing. */
export function mountPoints({ network, files }: RootParts): MountPoint[] {
  if (files.root.kind === 'host') return []
  const folders = [...KERNEL_FOLDERS, ...files.scratch.places].map(
    (path) => ({ path, kind: 'folder' }) as const,
  )
  const grants = [...files.read, ...files.live].map(({ inside }, grant) => ({
    path: inside,
    kind: { grant },
  }))
  const trust = inspects(network) ? Object.keys(COVERED_BUNDLES) : []
  return [...folders, ...grants, ...trust.map((path) => ({ path, kind: 'file' }) as const)]
}

/** Of these only a folder of the sandbox's own is there; on /sys nothing is mounted. */
export const KERNEL_FOLDERS = ['/proc', '/dev', '/sys']
