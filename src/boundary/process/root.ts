/**
 * The root. `host`: the programs and libraries of this machine, without the machine. Otherwise a tree, below a layer of the
 * sandbox's own that cell makes (`native/cell/tree.c`).
 */
import type { HostFacts } from '../../host/index.js'
import { JOB_IDENTITY } from '../../identity/index.js'
import { inspects, TRUST } from '../../network/index.js'
import { InForce, type Plan } from '../../plan/index.js'

/** Configuration that programs need and that tells nothing of this machine or its users. Shown where it exists. */
export const SHOWN_ETC = [
  '/etc/ImageMagick-6',
  '/etc/ImageMagick-7',
  '/etc/alternatives',
  '/etc/fonts',
  '/etc/ghostscript',
  '/etc/java-11-openjdk',
  '/etc/java-17-openjdk',
  '/etc/java-21-openjdk',
  '/etc/java-25-openjdk',
  '/etc/ld.so.cache',
  '/etc/libreoffice',
  '/etc/localtime',
  '/etc/magic',
  '/etc/mime.types',
  '/etc/papersize',
  '/etc/pki/ca-trust/extracted',
  '/etc/pki/tls/certs',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
] as const

/** Readable by everyone and about the host, not the job. */
export const MASKED_PROC_FILES = [
  '/proc/bootconfig',
  '/proc/cmdline',
  '/proc/config.gz',
  '/proc/diskstats',
  '/proc/interrupts',
  '/proc/kallsyms',
  '/proc/kcore',
  '/proc/key-users',
  '/proc/keys',
  '/proc/latency_stats',
  // locks that belong to a file and not to a process (F_OFD_SETLK) are shown to every pid namespace
  '/proc/locks',
  '/proc/modules',
  '/proc/partitions',
  '/proc/sched_debug',
  '/proc/softirqs',
  '/proc/swaps',
  '/proc/sys/kernel/random/boot_id',
  '/proc/timer_list',
] as const

export const MASKED_PROC_FOLDERS = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/bus',
  '/proc/driver',
  '/proc/fs',
  '/proc/irq',
  // anyone may write a trigger there, which the kernel then polls for
  '/proc/pressure',
  '/proc/scsi',
  '/proc/sys/fs/binfmt_misc',
] as const

const { uid, gid, userName, hostName } = JOB_IDENTITY

/** The sandbox's own /etc files; no machine id, no host name, no other user. */
const OWN_ETC: Readonly<Record<string, string>> = {
  passwd: `root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n${userName}:x:${uid}:${gid}::/job:/bin/sh\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n`,
  group: `root:x:0:\n${userName}:x:${gid}:\nnogroup:x:65534:\n`,
  hosts: `127.0.0.1 localhost ${hostName}\n::1 localhost ${hostName}\n`,
  hostname: `${hostName}\n`,
}

/** `names`: how a host's name becomes an address. */
const nsswitch = (names: string) =>
  `passwd: files\ngroup: files\nhosts: ${names}\nservices: files\nprotocols: files\n`

/** With a network, what is in no file is asked of the gateway; there is no domain to search. */
export function ownEtc({ network }: Pick<Plan, 'network'>): Record<string, string> {
  if (network === null) return { ...OWN_ETC, 'resolv.conf': '', 'nsswitch.conf': nsswitch('files') }
  const resolver = `nameserver ${network.resolver}\noptions timeout:2 attempts:2\n`
  return { ...OWN_ETC, 'resolv.conf': resolver, 'nsswitch.conf': nsswitch('files dns') }
}

/** Where most of a machine's own files are: what a root of the sandbox's own has nothing of. */
const HOSTS_OWN = ['/home', '/root', '/opt', '/srv', '/mnt', '/media', '/run', '/var', '/tmp']

/** Whether the host's folder is shown in place of one of the sandbox's. */
export function isHosts(inside: string, inForce: InForce): boolean {
  return !inForce.on('own-root') && HOSTS_OWN.includes(inside)
}

/**
 * Where programs look for authorities without being told, and what they find there where TLS is looked into. Only plain files of the host:
 * what leads there by a link leads to one of these.
 */
export const COVERED_BUNDLES: Readonly<Record<string, string>> = {
  '/etc/ssl/certs/ca-certificates.crt': TRUST.bundle,
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem': TRUST.bundle,
  '/etc/pki/tls/certs/ca-bundle.crt': TRUST.bundle,
  '/etc/ssl/certs/java/cacerts': TRUST.java,
  '/etc/pki/ca-trust/extracted/java/cacerts': TRUST.java,
}

function trustWords({ network, files }: RootParts, host: HostFacts): string[] {
  if (!inspects(network)) return []
  const tree = files.root.kind !== 'host'
  return Object.entries(COVERED_BUNDLES)
    .filter(([path]) => tree || host.paths[path] === 'file')
    .flatMap(([path, name]) => ['--ro-bind', tree ? `/sys/o/etc/${name}` : `/sys/e/${name}`, path])
}

type RootParts = Pick<Plan, 'network' | 'files'>

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
const KERNEL_FOLDERS = ['/proc', '/dev', '/sys']

/** bubblewrap's words for the read-only part of the root. */
export function rootWords(plan: RootParts, host: HostFacts, inForce = InForce.all): string[] {
  // the whole of it is mounted read-only already
  if (plan.files.root.kind !== 'host') return ['--ro-bind', '/sys/t', '/', ...trustWords(plan, host)]
  const words = ['--ro-bind', '/usr', '/usr']
  for (const [path, kind] of Object.entries(host.topLevel))
    words.push(...(kind.startsWith('link:') ? ['--symlink', kind.slice(5), path] : ['--ro-bind', path, path]))
  if (!inForce.on('own-root')) words.push(...HOSTS_OWN.flatMap((path) => ['--ro-bind-try', path, path]))
  if (!inForce.on('own-etc')) return [...words, '--ro-bind', '/etc', '/etc']
  words.push('--bind', '/sys/e', '/etc')
  for (const path of SHOWN_ETC) {
    const kind = host.paths[path]
    if (kind === undefined) continue
    words.push(...(kind.startsWith('link:') ? ['--symlink', kind.slice(5), path] : ['--ro-bind', path, path]))
  }
  words.push(...trustWords(plan, host), '--remount-ro', '/etc')
  if (inForce.on('own-root')) words.push('--symlink', '/tmp', '/var/tmp')
  return words
}

export function procWords(host: HostFacts, inForce = InForce.all): string[] {
  // a procfs can be made only of a pid namespace that is the sandbox's own
  const own = inForce.on('own-proc') && inForce.on('pid-namespace')
  const words = own ? ['--proc', '/proc'] : ['--ro-bind', '/proc', '/proc']
  // The job's host uid owns the settings of its own namespaces (pid_max, shmmax …): bubblewrap's own cover looks
  // only at whether the folder can be written to.
  if (inForce.on('read-only-sysctl')) words.push('--ro-bind', '/proc/sys', '/proc/sys')
  if (!inForce.on('masked-proc')) return words
  for (const path of MASKED_PROC_FILES)
    if (host.paths[path] !== undefined) words.push('--ro-bind', '/dev/null', path)
  for (const path of MASKED_PROC_FOLDERS)
    if (host.paths[path] !== undefined) words.push('--perms', '0555', '--tmpfs', path, '--remount-ro', path)
  return words
}

export function devWords(inForce: InForce): string[] {
  return inForce.on('own-dev') ? ['--dev', '/dev'] : ['--dev-bind', '/dev', '/dev']
}
