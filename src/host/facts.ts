import { type CgroupFacts, cgroupFacts } from './cgroups.js'

/** What a plan may depend on. Plain data, so that a plan can be made and tested for any machine. */
export interface HostFacts {
  readonly platform: string
  readonly arch: string
  /** e.g. [6, 1] */
  readonly kernel: readonly [number, number]
  /** effective user */
  readonly uid: number
  /** root with the whole range of ids: it can give every sandbox a uid of its own */
  readonly canTakeUids: boolean
  /** processors this process may run on */
  readonly cpus: number
  /** absolute path of bubblewrap; `null`: not installed */
  readonly bubblewrap: string | null
  /** why user namespaces can't be had, one sentence; empty when nothing speaks against them */
  readonly userNamespacesRefused: string
  readonly cgroups: CgroupFacts
  /** security modules that the kernel runs, as it lists them; `null`: securityfs is not there to read */
  readonly securityModules: readonly string[] | null
  /** `/bin`, `/lib` …: where the link leads, or `directory`; absent ones are not listed */
  readonly topLevel: Readonly<Record<string, string>>
  /** which of the asked-for host paths exist: `file`, `directory`, or `link:TARGET` */
  readonly paths: Readonly<Record<string, string>>
}

/** The effects that facts are gathered with; tests give others. */
export interface HostLook {
  readonly platform: string
  readonly arch: string
  readonly release: string
  readonly uid: number
  readonly cpus: number
  readonly read: (file: string) => string | null
  /** `file`, `directory`, `link:TARGET`, `other`; `null`: not there */
  readonly kind: (path: string) => string | null
  readonly writable: (directory: string) => boolean
}

/** Programs are taken from fixed places, never from the caller's PATH: a planted `bwrap` would be the boundary. */
const BUBBLEWRAP = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap'] as const
const TOP_LEVEL = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'] as const

/** The highest id a sandbox is given, see `ownUidBase` in the process boundary. */
const HIGHEST_ID = 0x70000000 + (1 << 22)

export function hostFacts(look: HostLook, paths: readonly string[]): HostFacts {
  const [major, minor] = look.release.split('.').map((part) => Number.parseInt(part, 10))
  return {
    platform: look.platform,
    arch: look.arch,
    kernel: [major ?? 0, minor ?? 0],
    uid: look.uid,
    canTakeUids: look.uid === 0 && mapsWholeRange(look.read('/proc/self/uid_map')),
    cpus: look.cpus,
    bubblewrap: BUBBLEWRAP.find((path) => look.kind(path) !== null) ?? null,
    userNamespacesRefused: userNamespacesRefused(look),
    cgroups: cgroupFacts({
      selfCgroup: look.read('/proc/self/cgroup') ?? '',
      mountinfo: look.read('/proc/self/mountinfo') ?? '',
      writable: look.writable,
      read: look.read,
    }),
    securityModules: look.read('/sys/kernel/security/lsm')?.trim().split(',') ?? null,
    topLevel: kinds(look, TOP_LEVEL),
    paths: kinds(look, paths),
  }
}

function kinds(look: HostLook, paths: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {}
  for (const path of paths) {
    const kind = look.kind(path)
    if (kind !== null) found[path] = kind
  }
  return found
}

/** user_namespaces(7): lines of `inside outside count` */
function mapsWholeRange(uidMap: string | null): boolean {
  return (uidMap ?? '').split('\n').some((line) => {
    const [inside, , count] = line.trim().split(/\s+/).map(Number)
    return inside === 0 && (count ?? 0) > HIGHEST_ID
  })
}

function userNamespacesRefused(look: HostLook): string {
  if (look.read('/proc/sys/user/max_user_namespaces')?.trim() === '0')
    return 'user.max_user_namespaces is 0: `sysctl user.max_user_namespaces=15000` allows user namespaces.'
  if (look.read('/proc/sys/kernel/unprivileged_userns_clone')?.trim() === '0')
    return 'kernel.unprivileged_userns_clone is 0: `sysctl kernel.unprivileged_userns_clone=1` allows user namespaces.'
  if (look.kind('/proc/self/ns/user') === null) return 'This kernel was built without user namespaces.'
  return ''
}
