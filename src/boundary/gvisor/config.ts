/**
 * The plan as config.json for gVisor's runsc. It differs from runc's in what is the sentry's own: namespaces of its kernel, /proc and
 * /dev, no masks. What of it seccomp says is left out: runsc would set it with an errno of its own, so the first process sets ours. Pure;
 * golden-tested.
 */
import type { HostFacts } from '../../host/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import { isNetworked } from '../cell/request.js'
import { capabilities } from '../oci/config.js'
import { type Mount, mountsOnLayer, rootFolder } from '../oci/mounts.js'
import type { MountPoint } from '../root/mount-points.js'

/** The first process's own program, put there by cell (native/cell/sentry.c): it can be handed no descriptor of it. */
const AGENT = '/.glovebox/agent'

/** No plan's: what the sentry mounts unasked. */
export const OWN_POINTS: readonly MountPoint[] = [{ path: '/sys', kind: 'folder' }]

/** The sentry's own. Where nothing is said of /sys it mounts one, which no job has on any other boundary: here it is empty. */
const KERNEL: readonly Mount[] = [
  { destination: '/sys', type: 'tmpfs', source: 'tmpfs', options: ['ro', 'nosuid', 'nodev', 'mode=0555'] },
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'nodev', 'noexec'] },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec', 'mode=0755'] },
]

/** Ids in the user namespace that cell makes, see native/cell/oci.c: the job's is 0 there, 1000 the gofer's, 65534 the sentry's. */
const IDS = [
  { containerID: 0, hostID: 1000, size: 1 },
  { containerID: 1000, hostID: 0, size: 1 },
]

export function gvisorConfig(plan: Plan, host: HostFacts, inForce = InForce.all): object {
  const { uid, gid, hostName } = plan.identity
  const { leftOff } = inForce
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid, gid, umask: 0o22 },
      args: [AGENT, '--carried', ...(leftOff === null ? [] : ['--without', leftOff.ids])],
      env: [],
      cwd: '/',
      capabilities: capabilities(inForce),
      noNewPrivileges: true,
    },
    root: { path: rootFolder(plan), readonly: inForce.on('read-only-root') },
    hostname: hostName,
    // what is shown of the host is in the root already: one connection to the gofer, in place of one for each
    mounts: mountsOnLayer(plan, host, KERNEL).map(plainly),
    linux: {
      namespaces: [
        ...['user', 'pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })),
        // by a path: else runsc makes a new one, in which nothing is
        ...(isNetworked(plan, inForce) ? [{ type: 'network', path: '/proc/self/ns/net' }] : []),
      ],
      uidMappings: IDS,
      gidMappings: IDS,
    },
  }
}

/** runsc knows no recursive attributes: the sentry lays one mount over the whole of it, which cell has sealed already. */
function plainly({ options, ...mount }: Mount): Mount {
  const known = options.filter((each) => !/^(rprivate|rro|rnosuid|rnodev)$/.test(each))
  return { ...mount, options: known }
}
