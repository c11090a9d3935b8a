import type { HostFacts } from '../../host/index.js'
import { type Answer, enforcedBy, impossible, type RequirementId } from '../../plan/index.js'
import type { Question } from '../boundary.js'
import { cgroupAdvice, NFTABLES_ADVICE } from './advice.js'
import { confinement } from './confinement.js'
import { secondWall } from './wall.js'

/** There on every kernel with netfilter. */
export const NETFILTER = '/proc/net/netfilter'

const BWRAP_ROOT = 'bubblewrap: a root of its own (pivot_root), bound read-only'
/** Without a cgroup for it: how one is had, or what the policy says to do without. */
function needsCgroup(host: HostFacts, control: string, instead: string): Answer {
  return impossible(
    host.cgroups.missing,
    `${cgroupAdvice(host)}; or leave the control off knowingly with \`--waive ${control}\`${instead}.`,
  )
}

/** Whether it has nftables too, its modules may say only when they are asked for; then the start fails. */
function withNftables(host: HostFacts, first: string, ...more: string[]): Answer {
  return host.paths[NETFILTER] === undefined
    ? impossible('This kernel was built without netfilter.', NFTABLES_ADVICE)
    : enforcedBy(first, ...more)
}

type Answers = { readonly [Id in RequirementId]: (question: Question) => Answer }

/** What the process boundary does about each requirement. A missing line does not compile. */
const answers: Answers = {
  'identity.unprivileged': () =>
    enforcedBy('uid and gid 1000 in a user namespace of its own', 'bubblewrap drops every capability'),
  'identity.own-host-uid': ({ host }) =>
    host.canTakeUids
      ? enforcedBy('a host uid and gid that no one else has while the sandbox lives, no supplementary groups')
      : enforcedBy(
          "the caller's own uid without capabilities: only mounts and namespaces keep its files apart",
        ),
  'identity.no-new-privileges': () => enforcedBy('PR_SET_NO_NEW_PRIVS', 'every mount nosuid'),
  'identity.no-user-namespaces': () =>
    enforcedBy(
      'max_user_namespaces is 0 inside (bubblewrap --disable-userns)',
      'seccomp: clone flags, clone3, unshare',
    ),
  'isolation.processes': () =>
    enforcedBy('pid namespace', '/proc of that namespace', 'first process not dumpable'),
  'isolation.ipc': () => enforcedBy('ipc namespace', 'network namespace (abstract sockets)'),
  'isolation.host-name': () => enforcedBy('uts namespace'),
  'isolation.cgroup-view': () => enforcedBy('cgroup namespace'),
  'isolation.no-terminal': () =>
    enforcedBy(
      'setsid, and pipes made for this sandbox',
      "with --tty: a pair of the sandbox's own devpts, whose other side only the first process holds",
      'seccomp: TIOCSTI, TIOCLINUX',
    ),
  'isolation.nothing-inherited': () =>
    enforcedBy('cell: close_range, empty environment, default signals, new session keyring, fixed rlimits'),
  'isolation.security-module': ({ host }) => confinement(host),
  'files.root-read-only': () => enforcedBy(BWRAP_ROOT),
  'files.host-hidden': () =>
    enforcedBy('mount namespace with a root of its own', 'own passwd, group, hosts, resolv.conf'),
  'files.devices': () => enforcedBy('bubblewrap --dev, read-only; devpts of its own'),
  'files.proc': () => enforcedBy('procfs of the pid namespace', 'masked files, read-only /proc/sys'),
  'files.scratch-bounded': () => enforcedBy('one tmpfs with size and nr_inodes', 'RLIMIT_FSIZE'),
  'files.read-grants': ({ host }) =>
    enforcedBy(
      'openat2 without symlinks, detached mount: read-only, nosuid, nodev',
      'seccomp: no Unix socket that could connect to one in a granted folder',
      ...grantedTo(host),
    ),
  'files.write-collected': () =>
    enforcedBy('collected by the first process after all others died', 'checked extractor'),
  'files.live-writes': ({ host }) =>
    enforcedBy(
      'openat2 without symlinks, detached mount: nosuid, nodev',
      'seccomp: no setuid or setgid bit in any call that sets a mode, no device node',
      'seccomp: no Unix socket that could connect to one in a granted folder',
      ...grantedTo(host),
    ),
  'files.second-wall': ({ host }) => secondWall(host),
  'network.none': () => enforcedBy('empty network namespace, loopback down', 'seccomp: AF_UNIX sockets only'),
  'network.gateway-only': ({ host }) =>
    withNftables(
      host,
      'network namespace with nothing but lo, in which every address is local: TPROXY gives every port to one socket, which the gateway holds',
      'seccomp: TCP and UDP sockets only',
    ),
  'network.no-datagrams': ({ host }) =>
    withNftables(
      host,
      'nftables rejects all but questions to the resolver, before they leave the socket',
      'network namespace with nothing but lo',
      'seccomp: no raw, ping or packet socket',
    ),
  'network.names': () =>
    enforcedBy(
      'the only name server is the gateway, which answers by itself with addresses that stand for names',
    ),
  'network.checked-address': () =>
    enforcedBy('the gateway resolves the name once, classifies every address, and dials one that passed'),
  'network.no-metadata': () => enforcedBy('the gateway classifies every address; no rule opens these'),
  'network.no-host-services': () =>
    enforcedBy("the gateway classifies every address, this host's own included"),
  'network.tls-name': () => enforcedBy('the gateway reads the ClientHello before it dials'),
  'network.http-rewritten': () => enforcedBy('the gateway parses each request and writes its own'),
  'network.budgets': () => enforcedBy('the gateway counts'),
  'network.recorded': () =>
    enforcedBy(
      'TPROXY: the gateway accepts every connection',
      'netfilter logs refused datagrams; of a flood the first 256, then 64 a second',
    ),
  'syscalls.profile': () => enforcedBy('seccomp filter, set before the first instruction of the job'),
  'syscalls.native-abi-only': () => enforcedBy('seccomp filter kills the process'),
  'syscalls.no-sockets': () => enforcedBy('seccomp filter: no family at all'),
  'syscalls.no-exec': () =>
    enforcedBy(
      'seccomp: execve asks the first process of the sandbox, which answers once and closes its end for good',
      'seccomp: no execveat',
    ),
  'syscalls.lock': () =>
    enforcedBy(
      'seccomp: these calls ask the first process of the sandbox, which closes its end for good when the job says so',
    ),
  'limits.memory': ({ host }) =>
    host.cgroups.controllers.includes('memory')
      ? enforcedBy(
          host.cgroups.version === 2
            ? 'cgroup memory.max, memory.swap.max, memory.oom.group'
            : 'cgroup v1 memory.limit_in_bytes',
        )
      : needsCgroup(host, 'limits.memory', ' (each process is then held to that size)'),
  'limits.cpus': ({ host, cpus }) => {
    if (host.cgroups.controllers.includes('cpu'))
      return enforcedBy(host.cgroups.version === 2 ? 'cgroup cpu.max' : 'cgroup v1 cpu.cfs_quota_us')
    if (cpus >= host.cpus) return enforcedBy(`the host has no more than ${host.cpus}`)
    return Number.isInteger(cpus)
      ? enforcedBy('processor affinity, and seccomp refuses to change it')
      : impossible(
          host.cgroups.missing,
          `Write a whole number of cpus, which needs no cgroup. ${cgroupAdvice(host)}; or leave the control off knowingly with \`--waive limits.cpus\`.`,
        )
  },
  'limits.processes': ({ host }) => {
    if (host.cgroups.controllers.includes('pids')) return enforcedBy('cgroup pids.max', 'RLIMIT_NPROC')
    return countsProcessesByNamespace(host.kernel)
      ? enforcedBy('RLIMIT_NPROC, which Linux 5.14 counts by user namespace')
      : needsCgroup(host, 'limits.processes', '')
  },
  'limits.open-files': () => enforcedBy('RLIMIT_NOFILE'),
  'limits.output': () => enforcedBy('Glovebox counts what it reads and ends the sandbox'),
  'limits.no-core-dumps': () =>
    enforcedBy(
      'RLIMIT_CORE 1, with which the kernel starts no handler either',
      'seccomp refuses to change it',
    ),
  'lifetime.deadline': () => enforcedBy('a clock in the first process', 'a second clock in the supervisor'),
  'lifetime.no-output': () => enforcedBy('a clock in the supervisor'),
  'lifetime.bound-to-supervisor': () =>
    enforcedBy(
      'first process exits when its socket to the supervisor closes',
      'a parent-death signal from bubblewrap to it',
      'launcher ends all',
    ),
  'lifetime.single-use': () => enforcedBy('the first process starts one command and exits'),
  'lifetime.nothing-left': () =>
    enforcedBy(
      'the kernel ends a pid namespace with its first process',
      'launcher waits for every process and removes the cgroup',
    ),
}

/** Before Linux 5.14 RLIMIT_NPROC counted all processes of a host uid (commit 21d1c5e386bc). */
export function countsProcessesByNamespace(kernel: readonly [number, number]): boolean {
  return kernel[0] > 5 || (kernel[0] === 5 && kernel[1] >= 14)
}

function grantedTo(host: HostFacts): string[] {
  if (host.canIdmap) return ["idmapped from the owner of the granted path to the sandbox's uid"]
  return host.canTakeUids ? ['shown under their own owners: the job is everyone else there'] : []
}

export function answer(question: Question): Answer {
  return answers[question.requirement.id](question)
}
