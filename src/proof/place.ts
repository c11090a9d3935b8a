/** What doctor says of where Glovebox runs. Pure. */
import type { HostFacts, Place, Surroundings } from '../host/index.js'
import type { Finding } from './finding.js'

const CONTAINERS: readonly Place[] = ['docker', 'podman', 'kubernetes', 'container']

const PLACES: Record<Place, string> = {
  machine: 'On a machine of its own',
  githubRunner: "On a runner of GitHub's",
  wsl1: 'In WSL 1',
  wsl2: 'In WSL 2',
  docker: 'Inside a Docker container',
  podman: 'Inside a Podman container',
  kubernetes: 'Inside a Kubernetes pod',
  container: 'Inside a container',
  lambda: 'In AWS Lambda',
  fargate: 'In AWS Fargate',
  gvisor: 'Inside gVisor',
}

/** The place, and whatever of it bears on what can be enforced. */
export function placeFinding(host: HostFacts): Finding {
  if (host.platform !== 'linux')
    return { name: 'host', status: 'note', what: `This is ${host.platform}, not Linux.`, get: '' }
  const around = host.surroundings()
  const [major, minor] = host.kernel
  const traits = [`Linux ${major}.${minor} on ${host.arch}`, ...traitsOf(host, around)]
  return { name: 'host', status: 'note', what: `${PLACES[around.place]}: ${traits.join(', ')}.`, get: '' }
}

/** /proc/sys looks at the uid alone, so that even a root without capabilities writes core_pattern there: a way out. */
export function containerRootFinding(host: HostFacts): Finding[] {
  const { place } = host.surroundings()
  if (!host.canTakeUids || host.maskedProc.length > 0 || !CONTAINERS.includes(place)) return []
  return [
    {
      name: 'container',
      status: 'note',
      what: "Root in this container is the host's root, and /proc/sys is not covered: whoever takes over this process writes the host's kernel settings. No job does.",
      get:
        place === 'kubernetes'
          ? 'Write `hostUsers: false` into the pod, or `securityContext: {runAsUser: 1000}`.'
          : 'Start the container with `--user 1000`.',
    },
  ]
}

function traitsOf(host: HostFacts, around: Surroundings): string[] {
  const { version } = host.cgroups
  return [
    `uid ${host.uid}`,
    version === null ? 'no cgroups' : `cgroup v${version}`,
    ...(around.libc === 'musl' ? ['musl'] : []),
    ...(around.filtered ? ['a system call filter from outside'] : []),
    ...(around.appArmorProfile === null ? [] : [`the AppArmor profile ${around.appArmorProfile}`]),
    ...(around.appArmorRestricts ? ['user namespaces restricted by AppArmor'] : []),
    ...(host.maskedProc.length > 0 ? ['parts of /proc covered'] : []),
    ...(around.readOnlyRoot ? ['a read-only root'] : []),
    ...(around.systemd.service === null ? [] : [`the unit ${around.systemd.service}`]),
  ]
}
