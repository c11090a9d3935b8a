/**
 * Where this process lives: on a machine of its own, or in whose container. Read only when somebody asks, which is an
 * error that wants to name the exact fix, or doctor. It words advice and decides nothing: every name in it can be
 * made up by whoever starts Glovebox. Pure: it asks for the files that it needs.
 */
import type { HostLook } from './looking.js'
import { type Mount, mountsOf } from './mounts.js'

export type Place =
  | 'machine'
  | 'githubRunner'
  | 'wsl1'
  | 'wsl2'
  | 'docker'
  | 'podman'
  | 'kubernetes'
  | 'container'
  | 'lambda'
  | 'fargate'
  | 'gvisor'

export interface Surroundings {
  readonly place: Place
  /** Glovebox's own folder: its programs and profiles lie below */
  readonly installation: string
  /** /etc/os-release, ID: `debian`, `ubuntu`, `alpine`; `null`: not said */
  readonly distribution: string | null
  readonly libc: 'glibc' | 'musl' | null
  /** this process is under a system call filter that it got from outside */
  readonly filtered: boolean
  /** the AppArmor profile that confines this process; `null`: none */
  readonly appArmorProfile: string | null
  /** Ubuntu: only programs whose profile says so make user namespaces */
  readonly appArmorRestricts: boolean
  readonly readOnlyRoot: boolean
  readonly systemd: {
    /** it is this machine's pid 1 */
    readonly booted: boolean
    /** a manager of this user's own runs */
    readonly userManager: boolean
    /** the system service that this process belongs to, e.g. `thumbs.service` */
    readonly service: string | null
  }
}

export function surroundings(look: HostLook, installation: string): Surroundings {
  const mountinfo = look.read('/proc/self/mountinfo') ?? ''
  const status = look.read('/proc/self/status') ?? ''
  const release = look.read('/etc/os-release') ?? look.read('/usr/lib/os-release') ?? ''
  return {
    place: placeOf(look, mountinfo),
    installation,
    distribution: /^ID="?([a-z0-9._-]+)"?$/m.exec(release)?.[1] ?? null,
    libc: libcOf(look),
    filtered: /^Seccomp:\t2$/m.test(status),
    appArmorProfile: appArmorProfile(look),
    appArmorRestricts: isOne(look, '/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
    readOnlyRoot: mountsOf(mountinfo).some(({ point, options }) => point === '/' && options.includes('ro')),
    systemd: {
      booted: look.kind('/run/systemd/system') !== null,
      userManager: look.kind(`/run/user/${look.uid}/systemd/private`) !== null,
      service: serviceOf(look.read('/proc/self/cgroup') ?? ''),
    },
  }
}

/** In this order: what lies further out says what can't be had; what lies further in, who could change it. */
function placeOf(look: HostLook, mountinfo: string): Place {
  const kernel = look.read('/proc/version') ?? ''
  const env = environment(look)
  // runsc's kernel has said the same since its first release, but for its number; newer ones add their name
  if (/gvisor|#1 SMP Sun Jan 10 15:06:54 PST 2016/i.test(kernel)) return 'gvisor'
  if (env.has('AWS_LAMBDA_FUNCTION_NAME')) return 'lambda'
  if (env.get('AWS_EXECUTION_ENV') === 'AWS_ECS_FARGATE') return 'fargate'
  const container = containerOf(look, mountinfo, env)
  if (container !== null) return container
  if (/microsoft-standard|WSL2/.test(kernel)) return 'wsl2'
  if (/Microsoft/.test(kernel)) return 'wsl1'
  return env.get('GITHUB_ACTIONS') === 'true' ? 'githubRunner' : 'machine'
}

function containerOf(look: HostLook, mountinfo: string, env: ReadonlyMap<string, string>): Place | null {
  const manager = (look.read('/run/systemd/container') ?? '').trim()
  if (
    env.has('KUBERNETES_SERVICE_HOST') ||
    /\/kubelet\/pods\/|\/kubepods/.test(mountinfo) ||
    (look.read('/proc/self/cgroup') ?? '').includes('/kubepods')
  )
    return 'kubernetes'
  if (look.kind('/run/.containerenv') !== null || manager === 'podman') return 'podman'
  const mounts = mountsOf(mountinfo)
  if (manager === 'docker' || (look.kind('/.dockerenv') !== null && mounts.some(isNamedFile))) return 'docker'
  const root = mounts.find(({ point }) => point === '/')
  return manager !== '' || root?.type === 'overlay' ? 'container' : null
}

/** Docker mounts these; a machine that was made from an image has its .dockerenv, and not them. */
function isNamedFile({ point }: Mount): boolean {
  return point === '/etc/hostname' || point === '/etc/hosts'
}

/** What Node was started with; a file, so that it can be shown for any machine. */
function environment(look: HostLook): ReadonlyMap<string, string> {
  const entries = (look.read('/proc/self/environ') ?? '').split('\0')
  return new Map(
    entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
}

/** apparmor(7): `unconfined`, or `PROFILE (MODE)`; the older place is the one for all security modules. */
function appArmorProfile(look: HostLook): string | null {
  const text = look.read('/proc/self/attr/apparmor/current') ?? look.read('/proc/self/attr/current') ?? ''
  return /^(\S+) \((?:enforce|complain|kill|prompt)\)/.exec(text)?.[1] ?? null
}

function libcOf(look: HostLook): Surroundings['libc'] {
  const machine = look.arch === 'arm64' ? 'aarch64' : 'x86_64'
  if (look.kind(`/lib/ld-musl-${machine}.so.1`) !== null && look.kind('/etc/alpine-release') !== null)
    return 'musl'
  const glibc = look.arch === 'arm64' ? '/lib/ld-linux-aarch64.so.1' : '/lib64/ld-linux-x86-64.so.2'
  if (look.kind(glibc) !== null) return 'glibc'
  return look.kind(`/lib/ld-musl-${machine}.so.1`) === null ? null : 'musl'
}

function serviceOf(cgroup: string): string | null {
  return (
    /^\d+:(?:name=systemd)?:.*\/system\.slice\/(?:.*\/)?([^/\n]+\.service)(?:\/|$)/m.exec(cgroup)?.[1] ?? null
  )
}

function isOne(look: HostLook, file: string): boolean {
  return look.read(file)?.trim() === '1'
}
