/**
 * The plan as config.json of an OCI bundle (opencontainers/runtime-spec 1.0.2). The namespaces of the network and the mounts that it
 * starts from are cell's: it names none for the network, and takes what it is started in. Pure; golden-tested.
 */
import type { HostFacts } from '../../host/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import { ociSeccomp } from '../../syscalls/index.js'
import { filterOptions } from '../answers/filter.js'
import type { MechanismId } from '../answers/mechanisms.js'
import { MASKED_PROC_FILES, MASKED_PROC_FOLDERS } from '../root/shown.js'
import { mounts, rootFolder } from './mounts.js'

/** As cell numbers them, see native/cell/cell.h: what of its own descriptors the runtime leaves open for the first process. */
export const KEPT_DESCRIPTORS = 5
const AGENT = '/proc/self/fd/7'

/** What is so in every container, whatever is told: a test that leaves one of these off would see no difference, and call it noticed by nobody. */
export const KEPT_BY_BUNDLE: readonly MechanismId[] = [
  ...(['unprivileged-ids', 'no-new-privileges', 'nosuid-mounts', 'pid-namespace'] as const),
  ...(['own-root', 'own-etc', 'own-dev', 'own-proc', 'grant-read-only', 'grant-nodev'] as const),
]

/**
 * Ids in the user namespace that cell makes, see native/cell/oci.c: the job's is 0 there, and 1000 one that owns nothing, which
 * the container's own root gets.
 */
const swapped = (id: number) => [
  { containerID: 0, hostID: 1000, size: 1 },
  { containerID: id, hostID: 0, size: 1 },
]

const NAMESPACES = {
  ipc: 'ipc-namespace',
  uts: 'uts-namespace',
  cgroup: 'cgroup-namespace',
} as const

export function ociConfig(plan: Plan, host: HostFacts, inForce = InForce.all): object {
  const { uid, gid, hostName } = plan.identity
  const { leftOff } = inForce
  const there = (path: string) => host.paths[path] !== undefined
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid, gid, umask: 0o22 },
      args: [AGENT, ...(leftOff === null ? [] : ['--without', leftOff.ids])],
      env: [],
      // never a path of the plan's: the first process goes to the work directory, when all else is closed
      cwd: '/',
      capabilities: capabilities(inForce),
      noNewPrivileges: true,
    },
    root: { path: rootFolder(plan), readonly: inForce.on('read-only-root') },
    ...(inForce.on('uts-namespace') ? { hostname: hostName } : {}),
    mounts: mounts(plan, host, inForce),
    linux: {
      namespaces: ['user', 'pid', 'mount', ...namespaces(inForce)].map((type) => ({ type })),
      uidMappings: swapped(uid),
      gidMappings: swapped(gid),
      rootfsPropagation: 'rprivate',
      maskedPaths: inForce.on('masked-proc')
        ? [...MASKED_PROC_FILES, ...MASKED_PROC_FOLDERS].filter(there)
        : [],
      readonlyPaths: inForce.on('read-only-sysctl') ? ['/proc/sys'] : [],
      seccomp: ociSeccomp(filterOptions(plan, host, inForce)),
    },
  }
}

function namespaces(inForce: InForce): string[] {
  return Object.entries(NAMESPACES)
    .filter(([, mechanism]) => inForce.on(mechanism))
    .map(([type]) => type)
}

/** None, in no set; with the mechanism left off some that a probe sees. */
export function capabilities(inForce: InForce): object {
  const some = inForce.on('no-capabilities') ? [] : ['CAP_CHOWN', 'CAP_SYS_CHROOT']
  return { bounding: some, effective: some, inheritable: some, permitted: some, ambient: some }
}
