/**
 * Filters that a job with `compute`, or with a lock, lives under. The kernel asks all of them and takes the strictest answer:
 *
 * 1. the keeper's, which bubblewrap sets before the first process: the default profile, with what the first process needs
 *    to set and answer the gate;
 * 2. the gate, which the job's first process sets: some calls ask the agent, all else is the others' business;
 * 3. the profile itself.
 */
import type { SyscallLock, SyscallProfile } from '../policy/index.js'
import { compileFilter } from './compile.js'
import type { FilterPart } from './parts.js'
import { defaultProfile, type Group, group } from './profile-default.js'
import { ALLOW, ASK, allowOnlyIf, always, errno, isOneOf, type Profile, type Rule } from './rule.js'
import type { Arch } from './table.js'

/** SECCOMP_SET_MODE_STRICT, SECCOMP_SET_MODE_FILTER, SECCOMP_GET_ACTION_AVAIL: as for a job */
const SECCOMP_OPERATIONS = [0, 1, 2]
/** include/uapi/linux/seccomp.h: _TSYNC, _NEW_LISTENER, _TSYNC_ESRCH, _WAIT_KILLABLE_RECV */
const KEEPER_FLAGS = 0x39
const SECCOMP_IOCTL_NOTIF_RECV = 0xc050_2100
const SECCOMP_IOCTL_NOTIF_SEND = 0xc018_2101

/** The calls that `compute` lets through once. execveat is refused by the profile itself. */
const ONCE = ['execve']

/** What a job gives up when it locks itself to `sealed`. */
export const SEALED: readonly Group[] = [
  group(
    'Opening and making files.',
    'open openat openat2 creat open_by_handle_at mkdir mkdirat mknod mknodat symlink symlinkat link linkat',
  ),
  group(
    'Changing files by name.',
    'rename renameat renameat2 unlink unlinkat rmdir truncate chmod fchmodat fchmodat2 chown lchown fchownat',
    'utime utimes futimesat utimensat setxattr lsetxattr setxattrat removexattr lremovexattr removexattrat',
  ),
  group('Other programs.', 'execve execveat'),
  group(
    'New sockets, and new ends for those that are there.',
    'socket socketpair connect bind listen accept accept4 io_uring_setup',
  ),
  group('Hearing of other files, and memory shared with others.', 'inotify_add_watch shmget shmat semget'),
]

export interface Gated {
  readonly profile: SyscallProfile
  readonly lock: SyscallLock | null
  /** parts that are left out, see `parts.ts`; absent: none */
  readonly missing?: readonly FilterPart[]
}

export function isGated({ profile, lock }: Gated): boolean {
  return profile === 'compute' || lock !== null
}

export function gateProfile({ profile, lock, missing = [] }: Gated): Profile {
  const asked = [
    ...(profile === 'compute' && !missing.includes('once') ? ONCE : []),
    ...(lock === null || missing.includes('sealed') ? [] : SEALED.flatMap(({ calls }) => calls)),
  ]
  return { rules: new Map(asked.map((name) => [name, always(ASK)])), unlisted: ALLOW }
}

export function gateBytes(gated: Gated, arch: Arch): Uint8Array {
  return compileFilter(gateProfile(gated), arch)
}

/** What the job may not do is for the third filter to say; so this one has no variants. */
export function keeperProfile(): Profile {
  const { rules, unlisted } = defaultProfile({ inet: false, cpuPinned: false, hostFolders: false })
  const ioctl = rules.get('ioctl') ?? always(errno('ENOTTY'))
  const seccomp = allowOnlyIf(
    errno('EINVAL'),
    isOneOf(0, SECCOMP_OPERATIONS),
    isOneOf(1, [0], ~KEEPER_FLAGS >>> 0),
  )
  return {
    rules: new Map([...rules, ['seccomp', seccomp], ['ioctl', withNotifications(ioctl)]]),
    unlisted,
  }
}

function withNotifications({ clauses, otherwise }: Rule): Rule {
  const asked = isOneOf(1, [SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND])
  return { clauses: [...clauses, { when: [asked], action: ALLOW }], otherwise }
}
