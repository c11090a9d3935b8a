/**
 * The root in Docker's terms: an image with nothing in it but places, links and the program that is pid 1, and a mount for each thing
 * that is shown. Pure.
 *
 * Of a tree (a folder or an unpacked image) nothing is mounted on: each folder that has a place for something below it is
 * one of the image's, and what the tree has beside that place is mounted into it piece by piece. A link, where the tree
 * should have a folder, leads nothing astray: there is none.
 */
import { join } from 'node:path/posix'
import type { HostFacts } from '../../host/index.js'
import type { Plan } from '../../plan/index.js'
import type { TarEntry } from './tar.js'

/** Where the image has the program that is pid 1. */
export const PROGRAM = '/.glovebox/agent'

/** The engine makes these itself, whatever the image has. */
const KERNEL_FOLDERS = ['/proc', '/dev', '/sys']

/** One thing of the host's that is seen inside. */
export interface Shown {
  /** absolute path on the host */
  readonly source: string
  readonly inside: string
  readonly writable: boolean
}

export interface Root {
  /** of the image, without its program */
  readonly places: readonly TarEntry[]
  readonly shown: readonly Shown[]
}

/** What every boundary shows of a host, and puts in its place. */
export interface RootKnowledge {
  /** configuration of the host's that programs need, in /etc */
  readonly shownEtc: readonly string[]
  /** the sandbox's own files: inside, and where each lies on the host */
  readonly own: Readonly<Record<string, string>>
}

/** What lies in a tree, folder by folder: names with `file`, `directory`, `link:TARGET` or `other`. */
export type TreeListing = Readonly<Record<string, Readonly<Record<string, string>>>>

type Files = Pick<Plan, 'files'>

const folder = (path: string): TarEntry => ({ path, kind: 'folder', mode: 0o755 })
const link = (path: string, target: string): TarEntry => ({ path, kind: 'link', target })

/** `tree`: of {@link openFolders}, where the root is one. */
export function dockerRoot(plan: Files, host: HostRoot, own: RootKnowledge, tree: TreeListing = {}): Root {
  const { places, shown } = plan.files.root.kind === 'host' ? hostRoot(host, own) : treeRoot(plan, own, tree)
  const owned = Object.entries(own.own).map(([inside, source]) => ({ source, inside, writable: false }))
  const grants = (list: readonly { host: string; inside: string }[], writable: boolean) =>
    list.map(({ host: source, inside }) => ({ source, inside, writable }))
  return {
    places: [folder('/'), folder('/.glovebox'), ...KERNEL_FOLDERS.map(folder), ...places],
    shown: [...shown, ...owned, ...grants(plan.files.read, false), ...grants(plan.files.live, true)],
  }
}

export type HostRoot = Pick<HostFacts, 'topLevel' | 'paths'>

/** The programs and libraries of this machine, without the machine. */
function hostRoot({ topLevel, paths }: HostRoot, { shownEtc, own }: RootKnowledge): Root {
  const places = ['/usr', '/etc', '/var'].map(folder)
  const shown = [{ source: '/usr', inside: '/usr', writable: false }]
  const there = shownEtc.flatMap((path) => (paths[path] === undefined ? [] : [[path, paths[path]] as const]))
  for (const [path, kind] of [...Object.entries(topLevel), ...there]) {
    if (Object.hasOwn(own, path)) continue
    if (kind.startsWith('link:')) places.push(link(path, kind.slice('link:'.length)))
    else shown.push({ source: path, inside: path, writable: false })
  }
  return { places: [...withParents(places), link('/var/tmp', '/tmp')], shown }
}

/** Links may lie deeper than the folders that are named. */
function withParents(places: readonly TarEntry[]): TarEntry[] {
  const all = new Map<string, TarEntry>()
  for (const place of places) {
    for (const parent of parentsOf(place.path))
      if (parent !== '/' && !all.has(parent)) all.set(parent, folder(parent))
    if (!all.has(place.path)) all.set(place.path, place)
  }
  return [...all.values()]
}

/** What is mounted, or made, where a tree may have something of its own. */
function taken({ files }: Files, { own }: RootKnowledge): Set<string> {
  const grants = [...files.read, ...files.live].map(({ inside }) => inside)
  return new Set([...KERNEL_FOLDERS, '/.glovebox', ...files.scratch.places, ...grants, ...Object.keys(own)])
}

function parentsOf(path: string): string[] {
  const names = path.split('/').slice(1, -1)
  return ['/', ...names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`)]
}

/** The folders of a tree whose entries are shown one by one, parents first; none is below something that is mounted. */
export function openFolders(plan: Files, own: RootKnowledge): string[] {
  const all = taken(plan, own)
  const parents = new Set([...all].flatMap(parentsOf))
  return [...parents].filter((path) => ![path, ...parentsOf(path)].some((each) => all.has(each))).sort()
}

function treeRoot(plan: Files, own: RootKnowledge, tree: TreeListing): Root {
  if (plan.files.root.kind === 'host') return { places: [], shown: [] }
  const from = plan.files.root.path
  const [all, open] = [taken(plan, own), openFolders(plan, own)]
  const places = open.filter((path) => path !== '/').map(folder)
  const shown: Shown[] = []
  for (const at of open)
    for (const [name, kind] of Object.entries(tree[at] ?? {})) {
      const inside = join(at, name)
      if (all.has(inside) || open.includes(inside)) continue
      if (kind.startsWith('link:')) places.push(link(inside, kind.slice('link:'.length)))
      else if (kind !== 'other') shown.push({ source: join(from, inside), inside, writable: false })
    }
  return { places, shown }
}
