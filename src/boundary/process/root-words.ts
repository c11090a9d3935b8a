/**
 * The root. `host`: the programs and libraries of this machine, without the machine. Otherwise a tree, below a layer of the
 * sandbox's own that cell makes (`native/cell/tree.c`).
 */
import type { HostFacts } from '../../host/index.js'
import { inspects } from '../../network/index.js'
import { InForce } from '../../plan/index.js'
import type { RootParts } from '../root/mount-points.js'
import { COVERED_BUNDLES, MASKED_PROC_FILES, MASKED_PROC_FOLDERS, SHOWN_ETC } from '../root/shown.js'

/** Where most of a machine's own files are: what a root of the sandbox's own has nothing of. */
const HOSTS_OWN = ['/home', '/root', '/opt', '/srv', '/mnt', '/media', '/run', '/var', '/tmp']

/** Whether the host's folder is shown in place of one of the sandbox's. */
export function isHosts(inside: string, inForce: InForce): boolean {
  return !inForce.on('own-root') && HOSTS_OWN.includes(inside)
}

function trustWords({ network, files }: RootParts, host: HostFacts): string[] {
  if (!inspects(network)) return []
  const tree = files.root.kind !== 'host'
  return Object.entries(COVERED_BUNDLES)
    .filter(([path]) => tree || host.paths[path] === 'file')
    .flatMap(([path, name]) => ['--ro-bind', tree ? `/sys/o/etc/${name}` : `/sys/e/${name}`, path])
}

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
