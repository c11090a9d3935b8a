import { PRCTL } from './checks-prctl.js'
import {
  ALLOW,
  allowOnlyIf,
  allowUnless,
  errno,
  hasAny,
  highIsSet,
  isNoneOf,
  isOneOf,
  type Rule,
} from './rule.js'

/**
 * CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}. The kernel uses the lower 32 bits of clone's flags (kernel/fork.c,
 * `lower_32_bits`), and CLONE_NEWTIME lies where clone's exit signal does, so only clone3 can ask for it.
 */
const NEW_NAMESPACES = 0x7e02_0000

/** PER_LINUX and PER_LINUX32, with or without UNAME26, and "tell me": Docker's list. Not READ_IMPLIES_EXEC. */
const PERSONALITIES = [0, 0x8, 0x20000, 0x20008, 0xffff_ffff]

/** SECCOMP_SET_MODE_STRICT, SECCOMP_SET_MODE_FILTER, SECCOMP_GET_ACTION_AVAIL */
const SECCOMP_OPERATIONS = [0, 1, 2]
/** SECCOMP_FILTER_FLAG_TSYNC and _TSYNC_ESRCH; not _LOG, _SPEC_ALLOW, _NEW_LISTENER */
const SECCOMP_FLAGS = 0x11

/** SCHED_OTHER, SCHED_BATCH, SCHED_IDLE; real-time classes would take the processor from the host. */
const SCHEDULERS = [0, 3, 5]
const SCHED_RESET_ON_FORK = 0x4000_0000

const PRIO_USER = 2

/**
 * It is 1 in a sandbox, the one value with which the kernel starts no handler that a host's core_pattern names
 * (core(5), "Piping core dumps"); 0 would start it. So it may be read (a null `new_limit`), never set.
 */
const RLIMIT_CORE = 4

/** Pid 1 is the job's keeper, has the job's uid and is in the job's pid namespace: the kernel would let the job slow it. */
const PID_1 = [1]

export function processChecks(cpuPinned: boolean): Readonly<Record<string, Rule>> {
  return {
    clone: allowUnless(errno('EPERM'), hasAny(0, NEW_NAMESPACES)),
    prctl: PRCTL,
    personality: allowOnlyIf(errno('EPERM'), isOneOf(0, PERSONALITIES)),
    prlimit64: {
      clauses: [
        // pid_t is an int: with the upper half set the kernel still sees 0, the caller itself
        { when: [isNoneOf(0, [0])], action: errno('EPERM') },
        { when: [isOneOf(1, [RLIMIT_CORE]), isNoneOf(2, [0])], action: errno('EPERM') },
        { when: [isOneOf(1, [RLIMIT_CORE]), highIsSet(2)], action: errno('EPERM') },
      ],
      otherwise: ALLOW,
    },
    setrlimit: allowUnless(errno('EPERM'), isOneOf(0, [RLIMIT_CORE])),
    seccomp: allowOnlyIf(
      errno('EINVAL'),
      isOneOf(0, SECCOMP_OPERATIONS),
      isOneOf(1, [0], ~SECCOMP_FLAGS >>> 0),
    ),
    setpriority: {
      clauses: [
        // every process of the uid, so pid 1 as well
        { when: [isOneOf(0, [PRIO_USER])], action: errno('EPERM') },
        { when: [isOneOf(1, PID_1)], action: errno('EPERM') },
      ],
      otherwise: ALLOW,
    },
    sched_setscheduler: allowOnlyIf(
      errno('EPERM'),
      isNoneOf(0, PID_1),
      isOneOf(1, SCHEDULERS, ~SCHED_RESET_ON_FORK >>> 0),
    ),
    sched_setparam: allowUnless(errno('EPERM'), isOneOf(0, PID_1)),
    // where no cgroup holds the CPU limit, the affinity that the job starts with does
    sched_setaffinity: cpuPinned
      ? { clauses: [], otherwise: errno('EPERM') }
      : allowUnless(errno('EPERM'), isOneOf(0, PID_1)),
  }
}
