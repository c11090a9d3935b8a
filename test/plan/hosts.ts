import {
  type HostFacts,
  type Machines,
  NO_KVM,
  type Runtimes,
  type Surroundings,
} from '../../src/host/index.js'

export const AROUND: Surroundings = {
  place: 'machine',
  installation: '/opt/glovebox',
  distribution: 'debian',
  libc: 'glibc',
  filtered: false,
  appArmorProfile: null,
  appArmorRestricts: false,
  readOnlyRoot: false,
  systemd: { booted: true, userManager: false, service: null },
}

const NOT_THERE = { path: null, distrusted: '', version: null, libseccomp: null, package: null }
const fromDebian = (name: string, version: string) => ({ name, version, release: 'bookworm' })

/** What Debian 12 has in its archive. */
export const RUNTIMES: Runtimes = {
  bubblewrap: {
    ...NOT_THERE,
    path: '/usr/bin/bwrap',
    version: '0.8.0',
    package: fromDebian('bubblewrap', '0.8.0-2+deb12u1'),
  },
  runc: {
    ...NOT_THERE,
    path: '/usr/sbin/runc',
    version: '1.1.5+ds1',
    libseccomp: '2.5.4',
    package: fromDebian('runc', '1.1.5+ds1-1+deb12u1'),
  },
  runsc: {
    ...NOT_THERE,
    path: '/usr/bin/runsc',
    version: '0.0~20221219.0',
    package: fromDebian('runsc', '0.0~20221219.0-2+b3'),
  },
  subordinateIds: {
    newuidmap: '/usr/bin/newuidmap',
    newgidmap: '/usr/bin/newgidmap',
    uids: [{ first: 100_000, count: 65536 }],
    gids: [{ first: 100_000, count: 65536 }],
  },
}

export const MACHINES: Machines = {
  qemu: {
    path: '/usr/bin/qemu-system-x86_64',
    distrusted: '',
    version: '7.2.22',
    package: fromDebian('qemu-system-x86', '1:7.2+dfsg-7+deb12u18+b3'),
  },
  kernel: {
    image: '/boot/vmlinuz-6.1.0-56-cloud-amd64',
    modules: '/usr/lib/modules/6.1.0-56-cloud-amd64',
    release: '6.1.0-56-cloud-amd64',
    chosen: false,
    wrong: '',
  },
  mkfsErofs: {
    path: '/usr/bin/mkfs.erofs',
    distrusted: '',
    version: '1.5',
    package: fromDebian('erofs-utils', '1.5-1'),
  },
  kvm: NO_KVM,
  tun: 'openable',
}

/** A Debian 12 machine. */
const DEBIAN: HostFacts = {
  platform: 'linux',
  arch: 'x64',
  kernel: [6, 1],
  uid: 0,
  canTakeUids: true,
  canIdmap: true,
  cpus: 4,
  bubblewrap: '/usr/bin/bwrap',
  userNamespacesRefused: '',
  rootLacks: '',
  maskedProc: [],
  securityModules: ['capability', 'landlock', 'yama', 'apparmor'],
  securityModule: { name: 'AppArmor', job: 'notLoaded' },
  cgroups: { version: null, bases: [], controllers: [], missing: 'No cgroup file system is mounted.' },
  topLevel: {
    '/bin': 'link:usr/bin',
    '/sbin': 'link:usr/sbin',
    '/lib': 'link:usr/lib',
    '/lib64': 'link:usr/lib64',
  },
  paths: {
    '/etc/alternatives': 'directory',
    '/etc/fonts': 'directory',
    '/etc/ld.so.cache': 'file',
    '/etc/localtime': 'link:/usr/share/zoneinfo/Etc/UTC',
    '/etc/ssl/certs': 'directory',
    '/proc/kcore': 'file',
    '/proc/keys': 'file',
    '/proc/acpi': 'directory',
    '/proc/net/netfilter': 'file',
    '/proc/pressure': 'directory',
  },
  surroundings: () => AROUND,
  runtimes: () => RUNTIMES,
  machines: () => MACHINES,
  engine: null,
}

const base = '/sys/fs/cgroup'

/** Machines that a plan must be right for; fixed, so that plans for them can be compared. */
export const HOSTS = {
  'root with cgroup v1': {
    ...DEBIAN,
    cgroups: {
      version: 1,
      bases: [
        { kind: 'memory', directory: `${base}/memory` },
        { kind: 'pids', directory: `${base}/pids` },
        { kind: 'cpu', directory: `${base}/cpu` },
      ],
      controllers: ['memory', 'pids', 'cpu'],
      missing: '',
    },
  },
  'an ordinary user with cgroup v2': {
    ...DEBIAN,
    uid: 1000,
    canTakeUids: false,
    canIdmap: false,
    cgroups: {
      version: 2,
      bases: [{ kind: 'unified', directory: `${base}/user.slice/user@1000.service` }],
      controllers: ['memory', 'pids'],
      missing: 'This user may not make a cgroup (v2) with the controllers: cpu.',
    },
  },
  'an ordinary user without cgroups': {
    ...DEBIAN,
    uid: 1000,
    canTakeUids: false,
    canIdmap: false,
    securityModules: null,
    securityModule: null,
  },
  'an ordinary user of an old kernel': {
    ...DEBIAN,
    uid: 1000,
    canTakeUids: false,
    canIdmap: false,
    kernel: [5, 12],
    securityModules: ['capability', 'yama'],
    securityModule: null,
  },
  'root on arm64, before merged /usr': {
    ...DEBIAN,
    arch: 'arm64',
    kernel: [6, 12],
    securityModule: { name: 'AppArmor', job: 'loaded', label: 'glovebox-job' },
    topLevel: { '/bin': 'directory', '/sbin': 'directory', '/lib': 'directory' },
  },
} as const satisfies Record<string, HostFacts>

export type HostName = keyof typeof HOSTS
