/**
 * What a policy can't allow: calls whose refusal, or whose checked arguments, another promise rests on. A claim that is said to
 * be kept would become untrue with one of them. test/syscalls/promised.test.ts has the reason for each that may be allowed.
 */
import { type Gated, isGated } from './gate.js'

/** Which promises besides its own a sandbox's filter keeps. */
export interface Circumstances extends Gated {
  readonly cpuPinned: boolean
  readonly hostWrites?: boolean
}

/** A reason, and the calls that it is about, apart by spaces. */
type Reasons = Readonly<Record<string, string>>

const ALWAYS: Reasons = {
  'which sockets there are follows from "network"': 'socket socketpair',
  'io_uring opens sockets and files that no filter sees': 'io_uring_setup io_uring_enter io_uring_register',
  'it sets the limit on core dumps, and that of the sandbox’s own pid 1': 'prlimit64',
  'it sets the limit on core dumps': 'setrlimit',
  'it changes when the sandbox’s own pid 1 runs':
    'setpriority sched_setscheduler sched_setparam sched_setaffinity sched_setattr ioprio_set',
  'keys belong to a host uid, and with it the job may reach its caller’s': 'add_key request_key keyctl',
  'it makes device nodes, of which a whiteout needs no privilege': 'mknod mknodat renameat2',
  'huge pages are outside limits.memory': 'mmap memfd_create shmget',
  'where the host lets everyone ask, it tells of the host’s processes': 'perf_event_open syslog',
}

/** Without the check of its flags a job has a listener of its own, which answers in the place of pid 1. */
const BY_GATE: Reasons = { 'a job could then answer for itself what asks the sandbox’s own pid 1': 'seccomp' }
const BY_COMPUTE: Reasons = {
  'under the compute profile no program is executed after the first': 'execve execveat',
}
const BY_LOCK: Reasons = { 'a locked job opens no file': 'open_tree open_tree_attr mq_open uselib' }
const BY_PINNING: Reasons = { 'on this host it would undo limits.cpus': 'sched_setaffinity' }

/** Every other call that can set a mode. */
const BY_HOST_WRITES: Reasons = {
  'with a live write grant it would leave setuid files on the host':
    'chmod fchmod fchmodat fchmodat2 open openat openat2 creat mkdir mkdirat',
}

/** Why a policy can't allow the call, as the end of a sentence; `null`: it can. */
export function promisedBy(name: string, circumstances: Circumstances): string | null {
  const { cpuPinned, hostWrites = false, profile, lock } = circumstances
  const reasons = Object.entries({
    ...(cpuPinned ? BY_PINNING : {}),
    ...(hostWrites ? BY_HOST_WRITES : {}),
    ...ALWAYS,
    ...(isGated(circumstances) ? BY_GATE : {}),
    ...(profile === 'compute' ? BY_COMPUTE : {}),
    ...(lock === null ? {} : BY_LOCK),
  })
  return reasons.find(([, calls]) => calls.split(' ').includes(name))?.[0] ?? null
}
