/** What gVisor's sentry is and does, whoever starts it: the same for `runsc run` of cell's and for an engine's runtime. Pure. */
import { absent, enforcedBy, impossible } from '../../plan/index.js'
import type { Answers } from './host-kernel-answers.js'
import { by } from './mechanisms.js'
import { withNftables } from './network.js'

/** In /dev: its own, all of them. */
export const SENTRY_DEVICES = [
  'null',
  'zero',
  'full',
  'random',
  'urandom',
  'tty',
  'fuse',
  'net/tun',
  'a private pts',
]

/**
 * Of this kernel: of runsc, of the gofer, who has three for each mount, and of the sentry, some of them for each processor; and for a process
 * of the job's the sentry's own and those that stand for it, ten by ptrace. A sentry that gets none more dies, and its sandbox with it: so the
 * number that the policy gives is the sentry's own to keep, and this one is behind it.
 */
const OWN_TASKS = 320
const TASKS_A_PROCESSOR = 16
const TASKS_A_PROCESS = 16

export const tasksOfSentry = (processes: number, cpus: number): number =>
  TASKS_A_PROCESS * processes + TASKS_A_PROCESSOR * cpus + OWN_TASKS

const KERNEL = by(
  "gVisor's sentry: a kernel of the sandbox's own answers every system call of the job",
  'sentry',
)

const OTHER_BOUNDARIES = 'Write `boundary: process` or `boundary: runc`, which hold it.'

/** What Linux does for the other boundaries, and another kernel does here. */
export const sentryAnswers = {
  'identity.no-new-privileges': () =>
    enforcedBy(by('PR_SET_NO_NEW_PRIVS, kept by the sentry', 'sentry-credentials')),
  'identity.no-user-namespaces': () =>
    enforcedBy(by('seccomp, by the sentry: clone flags, clone3, unshare', 'filter-namespaces')),
  'isolation.processes': () => enforcedBy(KERNEL, by('first process not dumpable', 'agent-not-dumpable')),
  'isolation.ipc': () => enforcedBy(KERNEL, by('no Unix socket of the host can be reached', 'sentry-gofer')),
  'isolation.host-name': () => enforcedBy(KERNEL),
  'isolation.cgroup-view': () => enforcedBy(KERNEL),
  'isolation.security-module': () =>
    absent(
      "AppArmor and SELinux confine programs of this host's kernel: the job is none, and the sentry has neither.",
    ),
  'files.devices': () =>
    enforcedBy(by("the sentry's own /dev: no device of the host, by any name", 'sentry', 'sentry-gofer')),
  'files.proc': () =>
    enforcedBy(
      by(
        "the sentry's own /proc: of the host it tells the memory, the processors and their clock alone",
        'sentry',
      ),
    ),
  'files.second-wall': () =>
    absent(
      "Landlock is a part of Linux, which the job's kernel here is not. The sentry and the gofer hold, each by itself.",
    ),
  'network.no-datagrams': ({ host }) =>
    withNftables(
      host,
      by(
        'nftables rejects all but questions to the resolver where they arrive: one hop out',
        'refused-datagrams',
      ),
      by('a network namespace with one link, to that place', 'network-namespace'),
      by('seccomp, by the sentry: no raw, ping or packet socket', 'filter-families'),
    ),
  'syscalls.profile': () =>
    enforcedBy(
      by('seccomp filter, kept by the sentry, set before the first instruction of the job', 'filter'),
      by(
        "what passes is a call of the sentry's, which makes few of this kernel's, behind a filter of its own",
        'sentry-confined',
      ),
    ),
  'syscalls.native-abi-only': () =>
    enforcedBy(
      by(
        'the sentry has calls of one ABI, and by whichever instruction they come, the filter is asked',
        'sentry',
      ),
    ),
  'syscalls.no-sockets': () =>
    enforcedBy(by('seccomp filter, kept by the sentry: no family at all', 'filter-families')),
  'syscalls.no-exec': () =>
    impossible(
      'The sentry lets no filter ask another process (SECCOMP_RET_USER_NOTIF), by which one program and no second is let through.',
      `${OTHER_BOUNDARIES} Or \`syscalls: {profile: default}\`, which lets the job start programs.`,
    ),
  'syscalls.lock': () =>
    impossible(
      'The sentry lets no filter ask another process (SECCOMP_RET_USER_NOTIF), on which a lock rests.',
      `${OTHER_BOUNDARIES} Or remove \`syscalls.lock\`.`,
    ),
  'limits.processes': ({ host }) =>
    enforcedBy(
      by('RLIMIT_NPROC, kept by the sentry', 'limit-processes'),
      ...(host.cgroups.controllers.includes('pids')
        ? [by("cgroup pids.max: room for that, and for the sentry's own threads", 'cgroup-pids')]
        : []),
    ),
  'limits.open-files': () => enforcedBy(by('RLIMIT_NOFILE, kept by the sentry', 'limit-open-files')),
  'lifetime.single-use': () =>
    enforcedBy(
      by('the first process starts one command and exits', 'one-command'),
      by('a sentry of its own, which ends with it, and a scratch', 'sentry', 'bounded-scratch'),
    ),
  'network.gateway-only': ({ host }) =>
    withNftables(
      host,
      by(
        "gVisor's own network stack, whose packets arrive in a namespace in which every address is local: TPROXY gives every port to one socket, which the gateway holds",
        'sentry',
        'network-namespace',
        'tproxy',
      ),
      by('seccomp, by the sentry: of IP, TCP and UDP sockets only', 'filter-families'),
    ),
} as const satisfies Partial<Answers>
