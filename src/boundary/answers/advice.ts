/**
 * What to change where a sandbox can't start, for each place that Glovebox may be in: the flags, fields or commands
 * themselves, ready to be copied. docs/hosts.md says what each costs. Pure.
 */
import type { HostFacts, Surroundings } from '../../host/index.js'

/** AppArmor's own alternation: whichever of the two this machine runs. */
export const PROGRAM = 'dist/native/{x64,arm64}/cell'
export const CONTAINER_FILTER = 'etc/container-seccomp.json'

type Around = Surroundings

export const NFTABLES_ADVICE =
  'A network needs nftables in this kernel: as root, `modprobe -a nf_tables nft_reject_inet nft_limit nft_log nft_tproxy nfnetlink_log`, or a kernel with CONFIG_NF_TABLES_INET, CONFIG_NFT_REJECT, CONFIG_NFT_LIMIT, CONFIG_NFT_LOG and CONFIG_NFT_TPROXY.'

/** The kernel, or what guards it, refused a user namespace or what is done in one. */
export function namespacesAdvice(host: HostFacts): string {
  const around = host.surroundings()
  const never = impossiblePlace(around)
  if (never !== null) return never.get
  if (isContainer(around)) return containerAdvice(host, around)
  if (around.appArmorRestricts) return appArmorAdvice(around, host.bubblewrap ?? '/usr/bin/bwrap')
  if (around.appArmorProfile !== null)
    return `The AppArmor profile ${around.appArmorProfile} confines this program: it must allow \`userns,\` (where AppArmor knows it), \`mount,\`, \`umount,\` and \`pivot_root,\`.`
  if (around.filtered && around.systemd.service !== null)
    return `The unit ${around.systemd.service} forbids them: \`systemctl edit ${around.systemd.service}\`, and there under [Service] \`RestrictNamespaces=no\` and, where the unit has a filter, \`SystemCallFilter=@mount sethostname setdomainname landlock_create_ruleset landlock_add_rule landlock_restrict_self\`, which adds to it.`
  if (around.filtered)
    return 'What started this program put a system call filter over it: it must allow clone and unshare with new user namespaces, mount, umount2, pivot_root, sethostname, setdomainname and the three calls of Landlock.'
  return 'User namespaces are refused here, and no file of this host says by what: docs/hosts.md has the known causes.'
}

/** Parts of /proc are covered, so that the kernel gives a sandbox no /proc of its own. */
export function procAdvice(host: HostFacts): string {
  const around = host.surroundings()
  if (isContainer(around)) return containerAdvice(host, around)
  return '`umount` what lies over it; in a systemd unit, `ProtectProc=`, `ProcSubset=`, `ProtectKernelTunables=` and `ProtectKernelLogs=` put it there.'
}

/** Places in which nobody can be asked for what is missing. */
export function impossiblePlace({ place }: Around): { readonly what: string; readonly get: string } | null {
  const elsewhere =
    'Run Glovebox on a virtual machine, or in a container on one (on AWS: EC2, ECS or EKS with EC2 instances), and call it from here.'
  switch (place) {
    case 'lambda':
      return {
        what: 'AWS Lambda lets no function make user namespaces, and has no setting for it.',
        get: elsewhere,
      }
    case 'fargate':
      return {
        what: 'AWS Fargate lets no task make user namespaces, and has no setting for it.',
        get: elsewhere,
      }
    case 'gvisor':
      return {
        what: "This is gVisor's kernel, not Linux: it has not all that bubblewrap and the filter need.",
        get: 'Start Glovebox outside of gVisor; a container or pod without the runtime class of gVisor will do.',
      }
    case 'wsl1':
      return {
        what: 'WSL 1 is no Linux kernel: it has no namespaces.',
        get: 'WSL 2 has: in PowerShell, `wsl --set-version DISTRIBUTION 2`.',
      }
    default:
      return null
  }
}

export function otherPlatformAdvice(platform: string): string {
  const machine =
    platform === 'darwin'
      ? 'On macOS: a Linux VM (`limactl start`), or a container of Docker Desktop, OrbStack or Podman'
      : platform === 'win32'
        ? 'On Windows: WSL 2 (`wsl --install`), or a container of Docker Desktop'
        : 'Run it in a Linux machine or VM, or in a container on one'
  return `${machine}; docs/hosts.md has the flags that a container needs. Policies can be checked here: \`glovebox policy check FILE\`.`
}

export function bubblewrapAdvice({ distribution }: Around): string {
  const command =
    distribution === 'alpine'
      ? 'apk add bubblewrap'
      : ['fedora', 'rhel', 'centos', 'rocky', 'almalinux', 'amzn'].includes(distribution ?? '')
        ? 'dnf install bubblewrap'
        : 'apt-get install bubblewrap'
  return `\`${command}\` installs it (0.8 or newer is needed).`
}

export function rootAdvice({ place }: Around): string {
  if (place === 'kubernetes')
    return 'Run it as another user, `securityContext: {runAsUser: 1000}`, or add KILL, SETGID and SETUID to `capabilities`.'
  return 'Run it as another user (`--user 1000`), or give this one what it lacks (`--cap-add SETUID --cap-add SETGID --cap-add KILL`).'
}

/** How this user gets control groups; one sentence, without a full stop. */
export function cgroupAdvice(host: HostFacts): string {
  const around = host.surroundings()
  const { version } = host.cgroups
  if (around.place === 'docker')
    return 'Give the container its own, writable: with cgroup v2 and Docker 28 or newer, `--security-opt writable-cgroups=true`; before, only `--privileged` does. Or limit the container itself (`--memory`)'
  if (around.place === 'podman')
    return 'Podman makes them writable for `--privileged` and for systemd containers (`--systemd=always`). Or limit the container itself (`--memory`)'
  if (around.place === 'kubernetes' || isContainer(around))
    return "Containers get theirs read-only: limit the container itself (a pod's `resources: {limits: {memory: 1Gi}}`)"
  if (version === null) {
    const mounted = 'As root, `mount -t cgroup2 cgroup2 /sys/fs/cgroup`'
    return host.uid === 0 ? mounted : `${mounted}. Then: ${systemdAdvice(host.uid, around)}`
  }
  if (version === 1)
    return 'With cgroup v1 only root can make them: run Glovebox as root, or boot with `systemd.unified_cgroup_hierarchy=1`'
  if (around.place === 'wsl2' && !around.systemd.booted)
    return 'Write `[boot]` and `systemd=true` into /etc/wsl.conf, `wsl --shutdown`, and then start it by `systemd-run --user --scope -p Delegate=yes -- glovebox run …`'
  return systemdAdvice(host.uid, around)
}

function systemdAdvice(uid: number, { systemd }: Around): string {
  if (systemd.service !== null)
    return `Hand them to the unit: \`systemctl edit ${systemd.service}\`, and there under [Service] \`Delegate=yes\``
  if (uid === 0)
    return 'Start it by `systemd-run --scope -p Delegate=yes -- glovebox run …`, or in a service with `Delegate=yes`'
  const scope = '`systemd-run --user --scope -p Delegate=yes -- glovebox run …`'
  return systemd.userManager
    ? `Start it by ${scope}, or in a service with \`Delegate=yes\``
    : `Start it in a service with \`Delegate=yes\`; or, once root has said \`loginctl enable-linger ${uid}\`, by \`export XDG_RUNTIME_DIR=/run/user/${uid}\` and ${scope}`
}

function isContainer({ place }: Around): boolean {
  return place === 'docker' || place === 'podman' || place === 'kubernetes' || place === 'container'
}

/**
 * All that is needed at once: to be told of the next flag only after the first was set helps nobody. With /proc
 * uncovered, root of a container that has no user namespace of its own writes the host's /proc/sys (core_pattern is
 * a way out); an ordinary user does not.
 */
function containerAdvice(host: HostFacts, around: Around): string {
  const { place, installation } = around
  const filter = `${installation}/${CONTAINER_FILTER}`
  const confined = around.appArmorProfile !== null || around.appArmorRestricts
  if (place === 'kubernetes') {
    const appArmor = confined ? `, appArmorProfile: ${podProfile(around)}` : ''
    return `The pod needs \`hostUsers: false\`, and its container \`securityContext: {procMount: Unmasked, seccompProfile: {type: Localhost, localhostProfile: glovebox.json}${appArmor}}\`, with ${filter} as /var/lib/kubelet/seccomp/glovebox.json on the node.${hostToo(around)}`
  }
  const podman = place === 'podman'
  const flags = [
    ...(isHostsRoot(host) ? ['--user 1000'] : []),
    '--security-opt seccomp=container-seccomp.json',
    `--security-opt ${podman ? 'unmask=ALL' : 'systempaths=unconfined'}`,
    ...(confined ? [`--security-opt apparmor=${hostProfile(around)}`] : []),
  ]
  return `Start the container by \`${podman ? 'podman' : 'docker'} run ${flags.join(' ')} …\`, the file being ${filter}.${hostToo(around)}`
}

/** Root of a small range of ids is an ordinary user to the host, and asked for less. */
const isHostsRoot = ({ canTakeUids, rootLacks }: HostFacts) => canTakeUids || rootLacks.includes('CAP_KILL')

const hostProfile = ({ appArmorRestricts }: Around) =>
  appArmorRestricts ? 'glovebox-container' : 'unconfined'

function podProfile({ appArmorRestricts }: Around): string {
  return appArmorRestricts ? '{type: Localhost, localhostProfile: glovebox-container}' : '{type: Unconfined}'
}

/** Paths in a host's profile mean the host's programs, so a container gets a profile by name. */
function hostToo({ appArmorRestricts }: Around): string {
  return appArmorRestricts
    ? ' The host restricts user namespaces by AppArmor; that profile, in /etc/apparmor.d/glovebox-container there: `abi <abi/4.0>, profile glovebox-container flags=(unconfined) { userns, }`.'
    : ''
}

/** Ubuntu since 23.10. In the form of its own profiles for browsers. */
function appArmorAdvice({ installation, place }: Around, bubblewrap: string): string {
  if (place === 'githubRunner')
    return 'Ubuntu restricts user namespaces by AppArmor. On a runner that ends with its job, a step before may switch that off: `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`.'
  return `Ubuntu restricts user namespaces by AppArmor. As root, save this as /etc/apparmor.d/glovebox, and load it by \`apparmor_parser -r /etc/apparmor.d/glovebox\`:
abi <abi/4.0>,
profile glovebox-cell ${installation}/${PROGRAM} flags=(unconfined) { userns, }
profile glovebox-bwrap ${bubblewrap} flags=(unconfined) { userns, }`
}
