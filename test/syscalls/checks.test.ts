import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ARCHES, type Arch } from '../../src/syscalls/index.js'
import { syscallNumbers } from '../../src/syscalls/table.js'
import { type Setting, verdictOf } from './tools.js'

const EPERM = 'errno 1'
const ENOMEM = 'errno 12'
const EINVAL = 'errno 22'
const ENOTTY = 'errno 25'
const ENOSYS = 'errno 38'
const EPROTONOSUPPORT = 'errno 93'
const EAFNOSUPPORT = 'errno 97'

/** upper half that a program is free to fill, where the kernel reads an int */
const JUNK = 0xdead_beefn << 32n

type Row = readonly [name: string, args: readonly (number | bigint)[], verdict: string]

/** Each row on both architectures, but for calls that one of them never had. */
function check(title: string, rows: readonly Row[], setting: Setting = {}): void {
  test(title, () => {
    for (const arch of ARCHES) {
      for (const [name, args, verdict] of rows) {
        if (!syscallNumbers(arch).has(name)) continue
        const shown = `${arch} ${name}(${args.map((each) => `0x${each.toString(16)}`).join(', ')})`
        assert.equal(`${shown}: ${verdictOf(arch, name, args, setting)}`, `${shown}: ${verdict}`)
      }
    }
  })
}

describe('namespaces and other ABIs of the process calls', () => {
  check('clone makes threads and processes, and no namespace: each CLONE_NEW flag, alone or among others', [
    ['clone', [0x11, 0], 'allow'],
    ['clone', [0x3d0f00], 'allow'],
    ['clone', [0x1200011], 'allow'],
    ...[0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000].flatMap(
      (flag): Row[] => [
        ['clone', [flag], EPERM],
        ['clone', [flag | 0x3d0f00], EPERM],
        ['clone', [BigInt(flag | 17) | JUNK], EPERM],
      ],
    ),
  ])
  check('clone3 and openat2 hide their flags in memory, so they are not there at all', [
    ['clone3', [0, 88], ENOSYS],
    ['openat2', [-100, 0, 0, 24], ENOSYS],
  ])
  check('unshare and setns are refused with any flags', [
    ['unshare', [0x10000000], EPERM],
    ['unshare', [0], EPERM],
    ['setns', [3, 0], EPERM],
  ])
  check('personality: READ_IMPLIES_EXEC and ADDR_NO_RANDOMIZE would undo the memory’s protections', [
    ['personality', [0], 'allow'],
    ['personality', [0xffffffff], 'allow'],
    ['personality', [0x20000], 'allow'],
    ['personality', [0x400000], EPERM],
    ['personality', [0x40000], EPERM],
    ['personality', [JUNK | 0x400000n], EPERM],
  ])
})

describe('the sandbox’s own pid 1', () => {
  check('RLIMIT_CORE stays 1: at 0 the kernel would hand a crash to the handler of the host’s core_pattern', [
    ['setrlimit', [4, 4096], EPERM],
    ['setrlimit', [JUNK | 4n, 4096], EPERM],
    ['setrlimit', [7, 4096], 'allow'],
    ['prlimit64', [0, 4, 4096, 0], EPERM],
    ['prlimit64', [0, 4, 1n << 32n, 0], EPERM],
    ['prlimit64', [0, JUNK | 4n, 4096, 0], EPERM],
    ['prlimit64', [0, 4, 0, 4096], 'allow'],
  ])
  check('prlimit64 reaches no other process: pid 1 can’t be starved of descriptors by the job', [
    ['prlimit64', [0, 7, 0, 0], 'allow'],
    ['prlimit64', [1, 7, 0, 0], EPERM],
    ['prlimit64', [4711, 7, 0, 0], EPERM],
    ['prlimit64', [-1, 7, 0, 0], EPERM],
    ['prlimit64', [JUNK | 1n, 7, 0, 0], EPERM],
  ])
  check('setpriority slows neither pid 1 nor, by PRIO_USER, every process of the uid', [
    ['setpriority', [0, 0, 19], 'allow'],
    ['setpriority', [0, 4711, 19], 'allow'],
    ['setpriority', [1, 0, 19], 'allow'],
    ['setpriority', [0, 1, 19], EPERM],
    ['setpriority', [2, 0, 19], EPERM],
    ['setpriority', [JUNK | 2n, JUNK, 19], EPERM],
  ])
  check('sched_setscheduler: no real-time class, which would starve the host, and not for pid 1', [
    ['sched_setscheduler', [0, 0, 0], 'allow'],
    ['sched_setscheduler', [0, 0x40000000 | 3, 0], 'allow'],
    ['sched_setscheduler', [1, 5, 0], EPERM],
    ['sched_setscheduler', [0, 1, 0], EPERM],
    ['sched_setscheduler', [0, 2, 0], EPERM],
    ['sched_setscheduler', [0, 6, 0], EPERM],
    ['sched_setattr', [0, 0, 0], EPERM],
    ['sched_setparam', [1, 0], EPERM],
  ])
  check('sched_setaffinity is free where a cgroup holds the CPU limit, but for pid 1', [
    ['sched_setaffinity', [0, 8, 0], 'allow'],
    ['sched_setaffinity', [1, 8, 0], EPERM],
  ])
  check(
    'sched_setaffinity would undo a CPU limit that is held by affinity',
    [
      ['sched_setaffinity', [0, 8, 0], EPERM],
      ['sched_getaffinity', [0, 8, 0], 'allow'],
    ],
    { cpuPinned: true },
  )
})

describe('sockets', () => {
  check('without a network only AF_UNIX; AF_VSOCK, AF_ALG, AF_PACKET and netlink are unknown families', [
    ['socket', [1, 1, 0], 'allow'],
    ['socket', [1, 0x80001, 0], 'allow'],
    ['socket', [JUNK | 1n, 2, 0], 'allow'],
    ...[0, 2, 3, 10, 16, 17, 21, 30, 31, 38, 40, 42, 44, 45, 0xffffffff].map(
      (family): Row => ['socket', [family, 1, 0], EAFNOSUPPORT],
    ),
    // not AF_UNIX by its low half
    ['socket', [(1n << 32n) | 40n, 1, 0], EAFNOSUPPORT],
  ])
  check(
    'with a network also TCP and UDP, and of no family a raw, ping, packet, SCTP or MPTCP socket',
    [
      ['socket', [2, 1, 0], 'allow'],
      ['socket', [10, 0x80801, 6], 'allow'],
      ['socket', [10, 2, 17], 'allow'],
      ['socket', [2, 3, 1], EPROTONOSUPPORT],
      ['socket', [2, 3, 255], EPROTONOSUPPORT],
      ['socket', [2, 2, 1], EPROTONOSUPPORT],
      ['socket', [10, 2, 58], EPROTONOSUPPORT],
      ['socket', [2, 5, 132], EPROTONOSUPPORT],
      ['socket', [2, 1, 262], EPROTONOSUPPORT],
      // SOCK_PACKET: the kernel turns AF_INET into AF_PACKET for it
      ['socket', [2, 10, 0x300], EPROTONOSUPPORT],
      ['socket', [40, 1, 0], EAFNOSUPPORT],
      ['socket', [16, 3, 0], 'allow'],
      ['socket', [16, 2 | 0x80000, 0], 'allow'],
      ['socket', [16, 3, 12], EAFNOSUPPORT],
      ['socket', [16, 3, 4], EAFNOSUPPORT],
      ['socket', [17, 3, 0], EAFNOSUPPORT],
      ['socket', [38, 5, 0], EAFNOSUPPORT],
    ],
    { inet: true },
  )
  check('socketpair makes AF_UNIX pairs and no others', [
    ['socketpair', [1, 1, 0, 0], 'allow'],
    ['socketpair', [30, 1, 0, 0], EAFNOSUPPORT],
  ])
  check(
    'with a folder of the host in sight, only pairs: nothing that could be connected to a service’s socket',
    [
      ['socket', [1, 1, 0], EAFNOSUPPORT],
      ['socket', [1, 2, 0], EAFNOSUPPORT],
      ['socketpair', [1, 1, 0, 0], 'allow'],
      ['socketpair', [1, 5 | 0o2000000, 0, 0], 'allow'],
      ['socketpair', [1, 2, 0, 0], EAFNOSUPPORT],
      ['socketpair', [1, 3, 0, 0], EAFNOSUPPORT],
    ],
    { hostFolders: true },
  )
  check('setsockopt puts no program of the job’s into the kernel', [
    ['setsockopt', [3, 1, 2, 0, 4], 'allow'],
    ['setsockopt', [3, 6, 26, 0, 4], 'allow'],
    ['setsockopt', [3, 1, 26, 0, 16], EPERM],
    ['setsockopt', [3, 1, 50, 0, 4], EPERM],
    ['setsockopt', [3, JUNK | 1n, JUNK | 51n, 0, 16], EPERM],
    ['setsockopt', [3, 1, 52, 0, 4], EPERM],
  ])
})

describe('ioctl', () => {
  check(
    'the terminal can’t be typed into or taken over, with junk above the 32 bits either (CVE-2019-10063)',
    [
      ['ioctl', [0, 0x5401, 0], 'allow'],
      ['ioctl', [0, 0x5413, 0], 'allow'],
      ['ioctl', [0, 0x541b, 0], 'allow'],
      ...[0x5412, 0x541c, 0x541d, 0x5423].flatMap((command): Row[] => [
        ['ioctl', [0, command, 0], EPERM],
        ['ioctl', [0, BigInt(command) | JUNK, 0], EPERM],
        ['ioctl', [0, BigInt(command) | (1n << 32n), 0], EPERM],
        ['ioctl', [0, BigInt(command) | (0xffff_ffffn << 32n), 0], EPERM],
      ]),
    ],
  )
  check('what no list names is ENOTTY: namespaces of a descriptor, btrfs volumes, verity, encryption keys', [
    ['ioctl', [3, 0xb701, 0], ENOTTY],
    ['ioctl', [3, 0x5000940e, 0], ENOTTY],
    ['ioctl', [3, 0x40806685, 0], ENOTTY],
    ['ioctl', [3, 0xc0506617, 0], ENOTTY],
    ['ioctl', [3, 1, 0], ENOTTY],
    ['ioctl', [3, 0x40086602, 0], ENOTTY],
    ['ioctl', [3, 0x8914, 0], ENOTTY],
    ['ioctl', [3, 0x40049409, 0], 'allow'],
  ])
})

describe('files that act on the host when they leave', () => {
  const modes: readonly (readonly [string, number])[] = [
    ['chmod', 1],
    ['fchmod', 1],
    ['fchmodat', 2],
    ['mkdir', 1],
    ['mkdirat', 2],
    ['creat', 1],
    ['mknod', 1],
    ['mknodat', 2],
  ]
  check(
    'no call sets a setuid or setgid bit, with junk above the mode either',
    modes.flatMap(([name, at]): Row[] => {
      const withMode = (mode: number | bigint) => [...Array(at).fill(0), mode]
      return [
        [name, withMode(0o1777), 'allow'],
        [name, withMode(0o4755), EPERM],
        [name, withMode(0o2755), EPERM],
        [name, withMode(0o6000), EPERM],
        [name, withMode(JUNK | 0o4000n), EPERM],
        [name, withMode(JUNK | 0o755n), 'allow'],
      ]
    }),
  )
  check('open sets none either when it makes a file, and its mode is ignored when it makes none', [
    ['open', [0, 0o102, 0o644], 'allow'],
    ['open', [0, 0o102, 0o4755], EPERM],
    ['open', [0, JUNK | 0o102n, JUNK | 0o4755n], EPERM],
    ['open', [0, 0o2, 0o4755], 'allow'],
    ['openat', [-100, 0, 0o102, 0o2755], EPERM],
    ['openat', [-100, 0, 0o20200002, 0o4755], EPERM],
    ['openat', [-100, 0, 0o20040002, 0o4755], EPERM],
    ['openat', [-100, 0, 0o200000, 0xffff_ffff], 'allow'],
    ['openat', [-100, 0, 0o102, 0o666], 'allow'],
    ['fchmodat2', [-100, 0, 0o4755, 0], ENOSYS],
  ])
  check('mknod makes files, fifos and sockets: no device, and no overlay whiteout by mknod or renameat2', [
    ['mknod', [0, 0o010644, 0], 'allow'],
    ['mknodat', [-100, 0, 0o100644, 0], 'allow'],
    ['mknodat', [-100, 0, 0o140644, 0], 'allow'],
    ['mknod', [0, 0o020666, 0x103], EPERM],
    ['mknod', [0, 0o060666, 0x800], EPERM],
    ['mknodat', [-100, 0, 0o020000, 0], EPERM],
    ['mknodat', [-100, 0, 0o060644, 0x800], EPERM],
    ['mknodat', [-100, 0, JUNK | 0o020000n, 0], EPERM],
    ['renameat2', [-100, 0, -100, 0, 1], 'allow'],
    ['renameat2', [-100, 0, -100, 0, 4], EPERM],
    ['renameat2', [-100, 0, -100, 0, JUNK | 5n], EPERM],
  ])
  check('a lease would make the host’s open of an output wait for the job', [
    ['fcntl', [3, 1, 0], 'allow'],
    ['fcntl', [3, 1024, 1], EPERM],
    ['fcntl', [3, JUNK | 1024n, 1], EPERM],
  ])
  check('no watch on files, which would tell what the host’s programs do with them', [
    ['inotify_init', [], ENOSYS],
    ['inotify_init1', [0], ENOSYS],
    ['inotify_add_watch', [3, 0, 0xfff], ENOSYS],
    ['fcntl', [3, 1026, 1], EPERM],
    ['fcntl', [3, JUNK | 1026n, 1], EPERM],
  ])
})

describe('what limits don’t count, and what a process says about itself', () => {
  check('huge pages come from the host’s pool, past the memory limit', [
    ['mmap', [0, 4096, 3, 0x22, -1, 0], 'allow'],
    ['mmap', [0, 4096, 3, 0x40022, -1, 0], ENOMEM],
    ['memfd_create', [0, 1], 'allow'],
    ['memfd_create', [0, 5], EINVAL],
    // Chromium's question whether the call exists
    ['memfd_create', [0, 0xffffffff], EINVAL],
    ['shmget', [0, 4096, 0o1600], 'allow'],
    ['shmget', [0, 4096, 0o5600], ENOMEM],
  ])
  check('prctl: names and dumpable, but no PR_SET_MM, page merging, core scheduling or dispatch', [
    ['prctl', [15, 0], 'allow'],
    ['prctl', [4, 0], 'allow'],
    ['prctl', [JUNK | 38n, 1], 'allow'],
    ...[35, 59, 62, 67, 33, 57, 26].flatMap((option): Row[] => [
      ['prctl', [option, 1], EINVAL],
      ['prctl', [JUNK | BigInt(option), 1], EINVAL],
    ]),
  ])
  check('seccomp adds filters, but no listener, no log and none without speculation’s mitigation', [
    ['seccomp', [1, 0, 0], 'allow'],
    ['seccomp', [1, 1, 0], 'allow'],
    ['seccomp', [2, 0, 0], 'allow'],
    ['seccomp', [1, 2, 0], EINVAL],
    ['seccomp', [1, 4, 0], EINVAL],
    ['seccomp', [1, 8, 0], EINVAL],
    ['seccomp', [1, 0x18, 0], EINVAL],
    ['seccomp', [3, 0, 0], EINVAL],
  ])
})

test('every check stands on arm64 as on x86_64, and open, mkdir, chmod and creat only where they exist', () => {
  const missing = (arch: Arch) =>
    ['open', 'creat', 'chmod', 'mkdir', 'mknod', 'fork', 'dup2'].filter(
      (name) => !syscallNumbers(arch).has(name),
    )
  assert.deepEqual(missing('x64'), [])
  assert.deepEqual(missing('arm64'), ['open', 'creat', 'chmod', 'mkdir', 'mknod', 'fork', 'dup2'])
})
