import { lstatSync, realpathSync, type Stats, statfsSync } from 'node:fs'
import type { PathAnswer } from './inside-path.js'
import { isWithin, pathFault } from './paths.js'
import { installation } from './profiles.js'

/** What stands at a host path. `kernel`: in a file system that the kernel makes up, such as a second procfs. */
export type HostKind = 'file' | 'directory' | 'socket' | 'fifo' | 'device' | 'kernel' | 'other'

/** What the host says of a path: where it really is, or why it can't be told. */
export type HostAnswer =
  | {
      readonly path: string
      readonly kind: HostKind
      /** the folder that Glovebox is installed in; absent where nothing is to be asked of it */
      readonly installation?: string
    }
  | { readonly missing: 'notFound' | 'noAccess' | 'notCanonical' }

/** Resolves an absolute host path, symbolic links and `..` included, as the kernel would. */
export type ResolveHostPath = (path: string) => HostAnswer

/** Magic numbers of statfs(2), from linux/magic.h: proc, sysfs, cgroup, cgroup2, debugfs, tracefs, securityfs,
 * devpts, bpf, efivarfs, selinuxfs, configfs, binfmt_misc. */
const KERNEL_FILE_SYSTEMS = new Set([
  0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x64626720, 0x74726163, 0x73636673, 0x1cd1, 0xcafe4a11,
  0xde5e81e4, 0xf97cff8c, 0x62656570, 0x42494e4d,
])

/** Of a file or folder that is there. */
export const isOfKernel = (path: string) => KERNEL_FILE_SYSTEMS.has(statfsSync(path).type >>> 0)

/** Asks this machine. */
export const resolveHostPath: ResolveHostPath = (path) => {
  try {
    // the native one: the other resolves `link/..` by its letters, the kernel does not
    const real = realpathSync.native(path)
    const stats = lstatSync(real)
    // a name that is no UTF-8 comes back altered, and would name something else
    if (stats.isSymbolicLink() || real.includes('\ufffd')) return { missing: 'notCanonical' }
    return {
      path: real,
      kind: isOfKernel(real) ? 'kernel' : kindOf(stats),
      installation: installation(),
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    return { missing: code === 'EACCES' || code === 'EPERM' ? 'noAccess' : 'notFound' }
  }
}

function kindOf(stats: Stats): HostKind {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSocket()) return 'socket'
  if (stats.isFIFO()) return 'fifo'
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return 'device'
  return 'other'
}

/** At or below: the kernel's own files, the sockets of engines, agents and buses, and what Glovebox keeps. */
const NEVER = ['/proc', '/sys', '/dev', '/run', '/var/lib/glovebox']
/** A job's output must not become a program or a setting of this host. */
const NEVER_WRITTEN = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc', '/boot']

/** Of Glovebox's installation: what it runs, or is told by. */
const OWN = ['bin', 'dist', 'policies', 'node_modules']

function ownFolder(path: string, place: string | undefined): string | null {
  if (place === undefined) return null
  if (isWithin(place, path)) return `holds Glovebox's own programs in ${place}`
  const part = OWN.map((name) => `${place}/${name}`).find((folder) => isWithin(path, folder))
  return part === undefined ? null : `lies in ${part}, of Glovebox itself`
}

/** Canonical host path of a grant, or why it can't be one. `base`: where a relative path starts. */
export function hostPath(
  written: string,
  use: 'read' | 'write',
  base: string,
  resolve: ResolveHostPath,
): PathAnswer & { readonly kind?: HostKind } {
  const fault = pathFault(written)
  if (fault !== null) return { what: fault, advice: 'Write a path on the host such as /srv/in.' }
  if (/^~(\/|$)/.test(written))
    return { what: 'starts with "~", which is not expanded.', advice: 'Write the whole path.' }
  const answer = resolve(written.startsWith('/') ? written : `${base}/${written}`)
  if ('missing' in answer) return missing(answer.missing)
  const at = answer.path === written ? '' : ` (${answer.path})`
  return denied(answer, use, at) ?? { path: answer.path, kind: answer.kind }
}

function missing(why: 'notFound' | 'noAccess' | 'notCanonical'): PathAnswer {
  if (why === 'notFound')
    return { what: 'does not exist on this host.', advice: 'Create it, or correct the path.' }
  if (why === 'noAccess')
    return { what: 'cannot be reached by this user.', advice: 'Give this user access, or correct the path.' }
  return { what: 'has no spelling in UTF-8.', advice: 'Rename it.' }
}

/** The order is fixed: whole places first, then kinds. */
function denied(
  { path, kind, installation: place }: Extract<HostAnswer, { path: string }>,
  use: 'read' | 'write',
  at: string,
): PathAnswer | null {
  if (path === '/')
    return { what: `is the whole host${at}.`, advice: 'Grant the folders that the job needs.' }
  const never = NEVER.find((folder) => isWithin(path, folder))
  if (never !== undefined)
    return {
      what: `lies in ${never}${at}, which is never granted.`,
      advice: 'Copy what the job needs elsewhere.',
    }
  if (kind === 'kernel')
    return { what: `lies in a file system of the kernel${at}, which is never granted.`, advice: '' }
  if (path === '/etc' && use === 'read')
    return { what: `is all of /etc${at}, secrets included.`, advice: 'Grant the files that the job needs.' }
  const system = use === 'write' ? NEVER_WRITTEN.find((folder) => isWithin(path, folder)) : undefined
  if (system !== undefined)
    return {
      what: `lies in ${system}${at}, where no job may leave files.`,
      advice: 'Choose a folder of its own.',
    }
  const own = use === 'write' ? ownFolder(path, place) : null
  if (own !== null)
    return { what: `${own}${at}, which no job may replace.`, advice: 'Choose a folder of its own.' }
  if (use === 'write' && kind !== 'directory')
    return { what: `is not a folder${at}.`, advice: 'Grant the folder that the output goes to.' }
  if (kind !== 'file' && kind !== 'directory')
    return {
      what: `is a ${kind === 'other' ? 'special file' : kind}${at}.`,
      advice: 'Grant files and folders only.',
    }
  return null
}
