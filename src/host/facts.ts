import { type CgroupFacts, cgroupFacts } from './cgroups.js'
import type { EngineFacts } from './engine/facts.js'
import { NO_KVM } from './kvm.js'
import type { HostLook } from './looking.js'
import { type Machines, NO_KERNEL, NO_PROGRAM } from './machines.js'
import { maskedProc } from './mounts.js'
import type { Runtimes } from './runtimes.js'
import { type SecurityModule, securityModule } from './security-module.js'
import { type Surroundings, surroundings } from './surroundings.js'

/** What a plan may depend on. Plain data, so that a plan can be made and tested for any machine. */
export interface HostFacts {
  readonly platform: string
  readonly arch: string
  /** e.g. [6, 1] */
  readonly kernel: readonly [number, number]
  /** effective user */
  readonly uid: number
  /** root with the whole range of ids and the right to use it: it can give every sandbox a uid of its own */
  readonly canTakeUids: boolean
  /** … and show granted files as that uid's own */
  readonly canIdmap: boolean
  /** processors this process may run on */
  readonly cpus: number
  /** absolute path of bubblewrap; `null`: not installed */
  readonly bubblewrap: string | null
  /** why user namespaces can't be had, one sentence; empty when nothing speaks against them */
  readonly userNamespacesRefused: string
  /** the capabilities that root lacks to start a sandbox; empty when it lacks none, and for everybody else */
  readonly rootLacks: string
  /** what lies over parts of /proc, as in most containers; a sandbox then gets no /proc, and does not start */
  readonly maskedProc: readonly string[]
  readonly cgroups: CgroupFacts
  /** security modules that the kernel runs, as it lists them; `null`: securityfs is not there to read */
  readonly securityModules: readonly string[] | null
  /** whether AppArmor or SELinux has something to confine jobs by; `null`: neither runs, or can't be seen */
  readonly securityModule: SecurityModule | null
  /** `/bin`, `/lib` …: where the link leads, or `directory`; absent ones are not listed */
  readonly topLevel: Readonly<Record<string, string>>
  /** which of the asked-for host paths exist: `file`, `directory`, or `link:TARGET` */
  readonly paths: Readonly<Record<string, string>>
  /** read when first asked: only an error or doctor needs it, and a start should not pay for it */
  readonly surroundings: () => Surroundings
  /** each of them looked for when first asked for: a program is started for it, which no start of another boundary should pay for */
  readonly runtimes: () => Runtimes
  /** what a virtual machine is made of; the same */
  readonly machines: () => Machines
  /** `null`: nobody has looked for a Docker Engine; see `withEngine` */
  readonly engine: EngineFacts | null
}

/** Programs are taken from fixed places, never from the caller's PATH: a planted `bwrap` would be the boundary. */
const BUBBLEWRAP = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap'] as const
const TOP_LEVEL = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'] as const

/**
 * What Glovebox starts as root has the uid and gid `base + pid` of a process that is its own while it lives. systemd leaves
 * 0x70000000 to 0x7FFDFFFF to no one (https://systemd.io/UIDS-GIDS), and login.defs allocates sub-ids far below.
 */
export const OWN_UID_BASE = 0x7000_0000
/** Process ids end below it (PID_MAX_LIMIT). A second id of a sandbox, where its boundary needs one, is so much above the first, and a third above that. */
export const SECOND_UID_ABOVE = 1 << 22
const HIGHEST_ID = OWN_UID_BASE + 3 * SECOND_UID_ABOVE

export function hostFacts(
  from: HostLook,
  paths: readonly string[],
  installation = '',
  lookAtRuntimes: () => Runtimes = noRuntimes,
  lookAtMachines: () => Machines = noMachines,
): HostFacts {
  const look = readingOnce(from)
  const root = rootsRights(look)
  const mountinfo = look.read('/proc/self/mountinfo') ?? ''
  let around: Surroundings | null = null
  let found: Runtimes | null = null
  let made: Machines | null = null
  const [major, minor] = look.release.split('.').map((part) => Number.parseInt(part, 10))
  return {
    platform: look.platform,
    arch: look.arch,
    kernel: [major ?? 0, minor ?? 0],
    uid: look.uid,
    canTakeUids: root.takesUids,
    canIdmap: root.takesUids && root.has(CAP_SYS_ADMIN),
    cpus: look.cpus,
    bubblewrap: BUBBLEWRAP.find((path) => look.kind(path) !== null) ?? null,
    userNamespacesRefused: userNamespacesRefused(look),
    rootLacks: root.lacks,
    maskedProc: maskedProc(mountinfo),
    cgroups: cgroupFacts({
      selfCgroup: look.read('/proc/self/cgroup') ?? '',
      mountinfo,
      writable: look.writable,
      read: look.read,
    }),
    securityModules: look.read('/sys/kernel/security/lsm')?.trim().split(',') ?? null,
    securityModule: securityModule(look),
    topLevel: kinds(look, TOP_LEVEL),
    paths: kinds(look, paths),
    surroundings() {
      around ??= surroundings(look, installation)
      return around
    },
    runtimes() {
      found ??= lookAtRuntimes()
      return found
    },
    machines() {
      made ??= lookAtMachines()
      return made
    },
    engine: null,
  }
}

/** Where only files are shown, no program can be asked. */
function noRuntimes(): Runtimes {
  const none = { path: null, distrusted: '', version: null, libseccomp: null, package: null }
  const subordinateIds = { newuidmap: null, newgidmap: null, uids: [], gids: [] }
  return { bubblewrap: none, runc: none, runsc: none, subordinateIds }
}

function noMachines(): Machines {
  return { qemu: NO_PROGRAM, kernel: NO_KERNEL, mkfsErofs: NO_PROGRAM, kvm: NO_KVM, tun: 'absent' }
}

/** Several facts stand in one file; and what surroundings say later fits what was seen first. */
function readingOnce(look: HostLook): HostLook {
  const seen = new Map<string, string | null>()
  return {
    ...look,
    read(file) {
      const known = seen.get(file)
      if (known !== undefined) return known
      const text = look.read(file)
      seen.set(file, text)
      return text
    },
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

/** capabilities(7) */
const [CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN, CAP_SETFCAP] = [5, 6, 7, 21, 31] as const

interface RootsRights {
  readonly takesUids: boolean
  readonly has: (capability: number) => boolean
  /** the capabilities without which this root can't start a sandbox; empty when it can, and for everybody else */
  readonly lacks: string
}

/**
 * Root of a container may have the name and not the rights. Without a uid of its own, a sandbox would be the host's root
 * with nothing but namespaces between them: refused, rather than made. Without CAP_KILL the launcher could not end it.
 */
function rootsRights(look: HostLook): RootsRights {
  if (look.uid !== 0) return { takesUids: false, has: () => false, lacks: '' }
  const text = /^CapEff:\t([0-9a-f]+)$/m.exec(look.read('/proc/self/status') ?? '')?.[1] ?? '0'
  const effective = BigInt(`0x${text}`)
  const has = (capability: number) => ((effective >> BigInt(capability)) & 1n) === 1n
  if (!mapsWholeRange(look.read('/proc/self/uid_map')))
    // user_namespaces(7): since Linux 5.12 only with CAP_SETFCAP may uid 0 be mapped
    return { takesUids: false, has, lacks: has(CAP_SETFCAP) ? '' : 'CAP_SETFCAP' }
  const takesUids = has(CAP_SETUID) && has(CAP_SETGID) && has(CAP_KILL)
  return { takesUids, has, lacks: takesUids ? '' : 'CAP_SETUID, CAP_SETGID and CAP_KILL' }
}

function userNamespacesRefused(look: HostLook): string {
  if (look.read('/proc/sys/user/max_user_namespaces')?.trim() === '0')
    return 'user.max_user_namespaces is 0: `sysctl user.max_user_namespaces=15000` allows user namespaces.'
  if (look.read('/proc/sys/kernel/unprivileged_userns_clone')?.trim() === '0')
    return 'kernel.unprivileged_userns_clone is 0: `sysctl kernel.unprivileged_userns_clone=1` allows user namespaces.'
  if (look.kind('/proc/self') === null) return '/proc is not mounted: `mount -t proc proc /proc` mounts it.'
  if (look.kind('/proc/self/ns/user') === null) return 'This kernel was built without user namespaces.'
  return ''
}
