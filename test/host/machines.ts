/**
 * What hosts show of themselves in files, for a pure look at each. "Captured": the texts are that host's own, shortened to
 * the lines that matter. "Documented": put together from its maker's documentation and bug reports, where such a host
 * could not be had.
 */
import { type HostFacts, type HostLook, hostFacts } from '../../src/host/index.js'

export interface Machine {
  readonly source: 'captured' | 'documented'
  readonly uid?: number
  readonly platform?: string
  readonly release?: string
  readonly arch?: string
  readonly files: Readonly<Record<string, string>>
  /** exist, whatever is in them */
  readonly there?: readonly string[]
  readonly writable?: readonly string[]
}

const WHOLE = '         0          0 4294967295\n'
const DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nID=debian\n'
const UBUNTU = 'PRETTY_NAME="Ubuntu 24.04.2 LTS"\nNAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n'
const ROOT = '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw'
const PROC = '22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw'
const BINFMT = '31 22 0:29 / /proc/sys/fs/binfmt_misc rw,relatime shared:13 - autofs systemd-1 rw,fd=29'
const V2 =
  '30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate'
const GLIBC = ['/lib64/ld-linux-x86-64.so.2', '/usr/bin/bwrap', '/proc/self', '/proc/self/ns/user']

const status = (capabilities: string, seccomp = 0, noNewPrivileges = 0) =>
  `Name:\tnode\nCapEff:\t${capabilities}\nNoNewPrivs:\t${noNewPrivileges}\nSeccomp:\t${seccomp}\nSeccomp_filters:\t${seccomp === 2 ? 1 : 0}\n`
const ALL = '000001ffffffffff'
const NONE = '0000000000000000'
const DOCKER_ROOT = '00000000a80425fb'
const lines = (...all: readonly string[]) => `${all.join('\n')}\n`

const DOCKER_ID = 'afb2682a031b17e2e142ad82e15cec68ba923727c098a9a26bf1f7a21de20a86'
const DOCKER_ROOT_MOUNT =
  '97 53 0:47 / / rw,relatime master:2 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/55AS'
const DOCKER_PROC = '98 97 0:50 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw'
const DOCKER_V1 = `106 102 0:32 /docker/${DOCKER_ID} /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime - cgroup cgroup rw,memory`
const DOCKER_HOSTNAME = `115 97 254:0 /var/lib/docker/containers/${DOCKER_ID}/hostname /etc/hostname rw,relatime - ext4 /dev/vda rw`
const DOCKER_MASKS = [
  '54 98 0:50 /bus /proc/bus ro,nosuid,nodev,noexec,relatime - proc proc rw',
  '57 98 0:50 /sys /proc/sys ro,nosuid,nodev,noexec,relatime - proc proc rw',
  '58 98 0:56 / /proc/acpi ro,relatime - tmpfs tmpfs ro',
  '59 98 0:51 /null /proc/keys rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755',
]
const docker = (mounts: readonly string[], capabilities: string, seccomp: number): Machine => ({
  source: 'captured',
  uid: 0,
  files: {
    '/proc/self/status': status(capabilities, seccomp),
    '/proc/self/uid_map': WHOLE,
    '/proc/self/cgroup': lines(`4:memory:/docker/${DOCKER_ID}`, `0::/docker/${DOCKER_ID}`),
    '/proc/self/mountinfo': lines(...mounts, DOCKER_HOSTNAME),
    '/proc/self/environ': 'HOSTNAME=afb2682a031b\0HOME=/root\0',
  },
  there: [...GLIBC, '/.dockerenv'],
})

const POD_MOUNTS = [
  '829 1004 0:113 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/34/fs',
  '830 829 0:117 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw',
  '895 882 0:29 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw',
  '900 829 8:1 /var/lib/kubelet/pods/ee9951df-fb87-4568-98f1-bde2c62fbad6/etc-hosts /etc/hosts rw,relatime - ext4 /dev/sda1 rw',
]
const POD_ENV = 'KUBERNETES_SERVICE_HOST=10.96.0.1\0KUBERNETES_SERVICE_PORT=443\0'

export const MACHINES = {
  'Debian 12, a user who is logged in': {
    source: 'documented',
    files: {
      '/proc/self/status': status(NONE),
      '/proc/self/uid_map': WHOLE,
      '/proc/self/cgroup': '0::/user.slice/user-1000.slice/session-7.scope\n',
      '/proc/self/mountinfo': lines(ROOT, PROC, BINFMT, V2),
      '/proc/version':
        'Linux version 6.1.0-18-cloud-amd64 (debian-kernel@lists.debian.org) (gcc-12) #1 SMP Debian 6.1.76-1\n',
      '/proc/self/attr/current': 'unconfined\n',
      '/proc/sys/kernel/unprivileged_userns_clone': '1\n',
      '/etc/os-release': DEBIAN,
    },
    there: [...GLIBC, '/run/systemd/system', '/run/user/1000/systemd/private'],
  },
  'Debian 12, a service with User=': {
    source: 'documented',
    files: {
      '/proc/self/status': status(NONE),
      '/proc/self/uid_map': WHOLE,
      '/proc/self/cgroup': '0::/system.slice/thumbs.service\n',
      '/proc/self/mountinfo': lines(ROOT, PROC, BINFMT, V2),
      '/etc/os-release': DEBIAN,
    },
    there: [...GLIBC, '/run/systemd/system'],
  },
  'Debian 12, a service with RestrictNamespaces=': {
    source: 'documented',
    files: {
      '/proc/self/status': status(NONE, 2, 1),
      '/proc/self/uid_map': WHOLE,
      '/proc/self/cgroup': '0::/system.slice/system-thumbs.slice/thumbs@1.service\n',
      '/proc/self/mountinfo': lines(ROOT, PROC, BINFMT, V2),
      '/etc/os-release': DEBIAN,
    },
    there: [...GLIBC, '/run/systemd/system'],
  },
  'Ubuntu 24.04': {
    source: 'documented',
    files: {
      '/proc/self/status': status(NONE),
      '/proc/self/uid_map': WHOLE,
      '/proc/self/cgroup': '0::/user.slice/user-1000.slice/session-2.scope\n',
      '/proc/self/mountinfo': lines(ROOT, PROC, BINFMT, V2),
      '/proc/version':
        'Linux version 6.8.0-58-generic (buildd@lcy02-amd64-077) #60-Ubuntu SMP PREEMPT_DYNAMIC\n',
      '/proc/self/attr/current': 'unconfined\n',
      '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n',
      '/proc/sys/kernel/unprivileged_userns_clone': '1\n',
      '/etc/os-release': UBUNTU,
    },
    there: [...GLIBC, '/run/systemd/system', '/run/user/1000/systemd/private'],
  },
  'a GitHub runner': {
    source: 'documented',
    files: {
      '/proc/self/status': status(NONE),
      '/proc/self/uid_map': WHOLE,
      '/proc/self/cgroup': '0::/system.slice/hosted-compute-agent.service\n',
      '/proc/self/mountinfo': lines(ROOT, PROC, BINFMT, V2),
      '/proc/self/environ': 'CI=true\0GITHUB_ACTIONS=true\0RUNNER_ENVIRONMENT=github-hosted\0',
      '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n',
      '/etc/os-release': UBUNTU,
    },
    there: [...GLIBC, '/run/systemd/system'],
  },
  'Docker, no flags': docker([DOCKER_ROOT_MOUNT, DOCKER_PROC, DOCKER_V1, ...DOCKER_MASKS], DOCKER_ROOT, 2),
  'Docker, with the flags': docker([DOCKER_ROOT_MOUNT, DOCKER_PROC, DOCKER_V1], DOCKER_ROOT, 2),
  'Docker, --privileged': docker([DOCKER_ROOT_MOUNT, DOCKER_PROC, DOCKER_V1.replace(' ro,', ' rw,')], ALL, 0),
  'Docker, --cap-drop ALL': docker([DOCKER_ROOT_MOUNT, DOCKER_PROC, DOCKER_V1], NONE, 2),
  'Docker on Ubuntu 24.04': {
    ...docker([DOCKER_ROOT_MOUNT, DOCKER_PROC, ...DOCKER_MASKS], DOCKER_ROOT, 2),
    source: 'documented',
    files: {
      ...docker([DOCKER_ROOT_MOUNT, DOCKER_PROC, ...DOCKER_MASKS], DOCKER_ROOT, 2).files,
      '/proc/self/attr/current': 'docker-default (enforce)\n',
      '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n',
    },
  },
  'Docker on Debian with AppArmor': {
    ...docker([DOCKER_ROOT_MOUNT, DOCKER_PROC], DOCKER_ROOT, 2),
    source: 'documented',
    files: {
      ...docker([DOCKER_ROOT_MOUNT, DOCKER_PROC], DOCKER_ROOT, 2).files,
      '/proc/self/attr/current': 'docker-default (enforce)\n',
    },
  },
  'a machine made from an image of Docker’s': {
    source: 'captured',
    files: {
      '/proc/self/status': status(NONE),
      '/proc/self/uid_map': WHOLE,
      '/proc/self/cgroup': '4:memory:/\n',
      '/proc/self/mountinfo': lines(ROOT, PROC),
    },
    there: [...GLIBC, '/.dockerenv'],
  },
  'Podman without root': {
    source: 'captured',
    uid: 0,
    files: {
      '/proc/self/status': status('00000000800405fb', 2),
      '/proc/self/uid_map': '         0       4321          1\n         1     100000      65536\n',
      '/proc/self/cgroup': '0::/\n',
      '/proc/self/mountinfo': lines(
        '118 93 0:40 / / rw,relatime - overlay overlay rw,lowerdir=/home/user/.local/share/containers/storage/overlay/l/QX',
        '119 118 0:43 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw',
        '138 119 0:48 / /proc/acpi ro,relatime - tmpfs tmpfs rw,size=0k',
        '139 119 0:6 /null /proc/keys ro,relatime - devtmpfs devtmpfs rw,size=12334524k,mode=755',
        '146 119 0:43 /sys /proc/sys ro,relatime - proc proc rw',
      ),
      '/proc/self/environ': 'HOSTNAME=db59c2464b3d\0HOME=/root\0TERM=xterm\0',
    },
    there: [...GLIBC, '/run/.containerenv'],
  },
  'a Kubernetes pod': {
    source: 'documented',
    uid: 0,
    files: {
      '/proc/self/status': status(DOCKER_ROOT, 0),
      '/proc/self/uid_map': WHOLE,
      '/proc/self/cgroup': '0::/\n',
      '/proc/self/mountinfo': lines(
        ...POD_MOUNTS,
        '831 830 0:117 /sys /proc/sys ro,relatime - proc proc rw',
        '832 830 0:120 / /proc/acpi ro,relatime - tmpfs tmpfs ro',
      ),
      '/proc/self/environ': POD_ENV,
    },
    there: GLIBC,
  },
  'a Kubernetes pod of user namespaces, unmasked': {
    source: 'documented',
    uid: 0,
    files: {
      '/proc/self/status': status(DOCKER_ROOT, 2),
      '/proc/self/uid_map': '         0  833617920      65536\n',
      '/proc/self/cgroup': '0::/\n',
      '/proc/self/mountinfo': lines(...POD_MOUNTS),
      '/proc/self/environ': POD_ENV,
    },
    there: GLIBC,
  },
  'AWS Lambda': {
    source: 'documented',
    uid: 993,
    release: '5.10.235-246.901.amzn2.x86_64',
    files: {
      '/proc/self/status': status(NONE, 2, 1),
      '/proc/self/uid_map': WHOLE,
      '/proc/self/mountinfo': lines(
        '100 99 0:30 / / ro,relatime - ext4 /dev/vdb ro',
        '101 100 0:31 / /proc rw,relatime - proc proc rw',
      ),
      '/proc/self/environ': 'AWS_LAMBDA_FUNCTION_NAME=thumbs\0AWS_EXECUTION_ENV=AWS_Lambda_nodejs22.x\0',
    },
    there: GLIBC,
  },
  'AWS Fargate': {
    source: 'documented',
    uid: 0,
    release: '5.10.236-227.928.amzn2.x86_64',
    files: {
      '/proc/self/status': status(DOCKER_ROOT, 2),
      '/proc/self/uid_map': WHOLE,
      '/proc/self/cgroup': '4:memory:/ecs/1f2e/1f2e-1\n',
      '/proc/self/mountinfo': lines(
        '90 80 0:40 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/containerd',
        '91 90 0:41 / /proc rw,relatime - proc proc rw',
      ),
      '/proc/self/environ':
        'AWS_EXECUTION_ENV=AWS_ECS_FARGATE\0ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/1f2e\0',
    },
    there: GLIBC,
  },
  'WSL 1': {
    source: 'documented',
    release: '4.4.0-19041-Microsoft',
    files: {
      '/proc/self/status': 'Name:\tnode\nCapEff:\t0000000000000000\n',
      '/proc/self/uid_map': WHOLE,
      '/proc/self/mountinfo': lines(
        '2 1 0:2 / / rw,noatime - lxfs rootfs rw',
        '3 2 0:3 / /proc rw,relatime - proc none rw',
      ),
      '/proc/version':
        'Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com) (gcc version 5.4.0 (GCC)) #1237-Microsoft\n',
      '/etc/os-release': UBUNTU,
    },
    there: GLIBC,
  },
  'WSL 2, without systemd': {
    source: 'documented',
    release: '5.15.167.4-microsoft-standard-WSL2',
    files: {
      '/proc/self/status': status(NONE),
      '/proc/self/uid_map': WHOLE,
      '/proc/self/cgroup': '0::/\n',
      '/proc/self/mountinfo': lines(
        '70 60 8:32 / / rw,relatime - ext4 /dev/sdc rw',
        '80 70 0:40 / /proc rw,relatime - proc proc rw',
        V2,
      ),
      '/proc/version':
        'Linux version 5.15.167.4-microsoft-standard-WSL2 (root@f9c826d3017f) (gcc 11.2.0) #1 SMP\n',
      '/etc/os-release': UBUNTU,
    },
    there: GLIBC,
  },
  Alpine: {
    source: 'documented',
    release: '6.6.31-0-lts',
    files: {
      '/proc/self/status': status(NONE),
      '/proc/self/uid_map': WHOLE,
      '/proc/self/cgroup': '0::/\n',
      '/proc/self/mountinfo': lines(ROOT, PROC, V2),
      '/etc/os-release': 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.0\n',
    },
    there: ['/lib/ld-musl-x86_64.so.1', '/etc/alpine-release', '/proc/self', '/proc/self/ns/user'],
  },
  gVisor: {
    source: 'captured',
    uid: 0,
    release: '4.4.0',
    files: {
      '/proc/self/status': 'Name:\tcat\nCapEff:\t0000003fffffdfff\nSeccomp:\t0\n',
      '/proc/self/uid_map': WHOLE,
      '/proc/self/cgroup': '',
      '/proc/self/mountinfo': lines(
        '10 10 0:10 / / rw  - overlay none rw',
        '13 10 0:12 / /proc rw  - proc none rw,dentry_cache_limit=1000',
      ),
      '/proc/version': 'Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016\n',
    },
    there: GLIBC,
  },
  'a kernel that allows ordinary users no user namespaces': {
    source: 'documented',
    files: {
      '/proc/self/status': status(NONE),
      '/proc/self/uid_map': WHOLE,
      '/proc/self/mountinfo': lines(ROOT, PROC, V2),
      '/proc/sys/kernel/unprivileged_userns_clone': '0\n',
      '/etc/os-release': DEBIAN,
    },
    there: GLIBC,
  },
  macOS: { source: 'documented', uid: 501, platform: 'darwin', arch: 'arm64', release: '23.5.0', files: {} },
  Windows: { source: 'documented', uid: -1, platform: 'win32', release: '10.0.22631', files: {} },
} as const satisfies Record<string, Machine>

export type MachineName = keyof typeof MACHINES

export function lookAt(machine: Machine): HostLook {
  const { files, there = [], writable = [] } = machine
  return {
    platform: machine.platform ?? 'linux',
    arch: machine.arch ?? 'x64',
    release: machine.release ?? '6.1.0-18-amd64',
    uid: machine.uid ?? 1000,
    cpus: 4,
    read: (file) => files[file] ?? null,
    kind: (path) => (path in files || there.includes(path) ? 'file' : null),
    list: () => [],
    ask: () => null,
    writable: (folder) => writable.includes(folder),
  }
}

export const factsAt = (name: MachineName): HostFacts =>
  hostFacts(lookAt(MACHINES[name]), [], '/opt/glovebox')
