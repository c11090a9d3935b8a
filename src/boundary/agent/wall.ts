/** What Landlock is told: the files of the plan once more, in the words of another part of the kernel. Pure. */
import type { HostFacts } from '../../host/index.js'
import { type Answer, absent, enforcedBy, type Plan } from '../../plan/index.js'
import { by } from '../answers/mechanisms.js'
import type { Observed } from '../boundary.js'

/** LANDLOCK_ACCESS_FS_* of include/uapi/linux/landlock.h. */
const RIGHT = {
  execute: 1 << 0,
  writeFile: 1 << 1,
  readFile: 1 << 2,
  readFolder: 1 << 3,
  removeFolder: 1 << 4,
  removeFile: 1 << 5,
  makeFolder: 1 << 7,
  makeFile: 1 << 8,
  makeSocket: 1 << 9,
  makeFifo: 1 << 10,
  makeLink: 1 << 12,
  moveBetweenFolders: 1 << 13,
  truncate: 1 << 14,
  deviceIoctl: 1 << 15,
} as const

const LIST = RIGHT.readFolder
const READ = RIGHT.readFile | LIST
const RUN = READ | RIGHT.execute
/** Everything but device nodes, which nobody is granted. */
const WRITE =
  RUN |
  RIGHT.writeFile |
  RIGHT.truncate |
  RIGHT.removeFolder |
  RIGHT.removeFile |
  RIGHT.makeFolder |
  RIGHT.makeFile |
  RIGHT.makeSocket |
  RIGHT.makeFifo |
  RIGHT.makeLink |
  RIGHT.moveBetweenFolders
const USE_DEVICES = READ | RIGHT.writeFile | RIGHT.deviceIoctl
/** A thread's name, among others, is set by writing to /proc; what may be written there, procfs and its mounts say. */
const USE_PROC = READ | RIGHT.writeFile

export interface Wall {
  /** the job does not start where the kernel knows less than this; 0: what it knows is used */
  readonly leastAbi: number
  readonly places: readonly { readonly path: string; readonly rights: number }[]
}

/** Landlock is not asked for. */
export const NO_WALL: Wall = { leastAbi: 0, places: [] }

export function wall(plan: Plan, host: HostFacts): Wall {
  const folders = Object.entries(host.topLevel).filter(([, kind]) => kind === 'directory')
  const place = (rights: number) => (path: string) => ({ path, rights })
  // a tree is read and executed wherever something of it stands; the host's own folders are known by name
  const programs =
    plan.files.root.kind === 'host'
      ? [place(LIST)('/'), ...['/usr', ...folders.map(([path]) => path)].map(place(RUN))]
      : [place(RUN)('/')]
  return {
    leastAbi: landlockAbi(host) ?? 0,
    places: [
      ...programs,
      place(READ)('/etc'),
      place(USE_PROC)('/proc'),
      place(USE_DEVICES)('/dev'),
      ...plan.files.scratch.places.map(place(WRITE)),
      ...plan.files.read.map(({ inside }) => place(RUN)(inside)),
      ...plan.files.live.map(({ inside }) => place(WRITE)(inside)),
    ],
  }
}

export function secondWall(host: HostFacts): Answer {
  const abi = landlockAbi(host)
  if (abi !== null)
    return enforcedBy(
      by(
        `Landlock (ABI ${abi} or newer), set by the job's first process before its program runs`,
        'landlock',
      ),
    )
  if (host.securityModules === null)
    return absent(
      'Whether this kernel has Landlock is not to be seen: securityfs is not mounted here. Where it has, it is used all the same; the mounts hold either way.',
    )
  return host.securityModules.includes('landlock')
    ? absent('Landlock before Linux 5.19 forbids renaming from one folder to another. The mounts hold alone.')
    : absent('This kernel runs without Landlock. The mounts hold alone.')
}

/** From a sandbox in which it held. */
export function secondWallSeen(abi: number): Observed {
  return { id: 'files.second-wall', by: `Landlock (ABI ${abi})` }
}

/** Of which kernel on which rights for files are known; a distribution's kernel may know more. */
const ABIS: readonly (readonly [major: number, minor: number, abi: number])[] = [
  [6, 10, 5],
  [6, 2, 3],
  [5, 19, 2],
]

/** The least ABI that can be promised; `null`: none. */
function landlockAbi({ securityModules, kernel: [major, minor] }: HostFacts): number | null {
  if (!securityModules?.includes('landlock')) return null
  const known = ABIS.find(([least, lesser]) => major > least || (major === least && minor >= lesser))
  return known?.[2] ?? null
}
