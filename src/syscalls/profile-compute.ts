import { defaultProfile, type Group, group, type ProfileOptions } from './profile-default.js'
import { ALLOW, always, errno, type Profile, type Rule } from './rule.js'

/** What pure work needs: files, memory, threads, time. Each call keeps the checks that the default profile makes of it. */
export const COMPUTE_ALLOWED: readonly Group[] = [
  group(
    'Reading and writing what is already open.',
    'read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek sendfile copy_file_range',
    'fsync fdatasync sync_file_range ftruncate fallocate fadvise64 readahead flock close close_range fcntl ioctl',
    'dup dup2 dup3 pipe pipe2 memfd_create',
  ),
  group(
    'Naming files. What names exist, and what may be written, is the business of mounts and owners.',
    'open openat creat stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2 getdents getdents64',
    'readlink readlinkat getcwd chdir fchdir rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat',
    'mkdir mkdirat rmdir truncate umask chmod fchmod fchmodat utime utimes futimesat utimensat',
  ),
  group(
    'Memory of its own.',
    'brk mmap munmap mremap mprotect madvise msync mincore mlock mlock2 munlock mseal map_shadow_stack',
    'pkey_alloc pkey_free pkey_mprotect membarrier arch_prctl',
  ),
  group(
    'Threads, and copies of itself; the process limit holds them. None becomes another program: of execve, which has to be here for the first one, the gate lets no second pass.',
    'clone fork vfork execve exit exit_group wait4 waitid getpid getppid gettid getpgid getpgrp setpgid getsid setsid',
    'set_tid_address set_robust_list rseq futex futex_waitv futex_wake futex_wait futex_requeue',
    'kill tkill tgkill restart_syscall uretprobe prctl',
  ),
  group(
    'Signals.',
    'rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo',
    'rt_tgsigqueueinfo sigaltstack signalfd signalfd4 pause alarm',
  ),
  group(
    'Waiting.',
    'poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2',
  ),
  group(
    'Clocks and timers; none sets the time.',
    'time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep times getitimer setitimer',
    'timer_create timer_settime timer_gettime timer_getoverrun timer_delete timerfd_create timerfd_settime timerfd_gettime',
  ),
  group(
    'Who it is, its limits and scheduling, and plain facts.',
    'getuid geteuid getgid getegid getresuid getresgid getgroups capget',
    'getrlimit setrlimit prlimit64 getrusage getpriority sched_yield sched_getaffinity sched_setaffinity',
    'sched_getscheduler sched_getparam sched_getattr sched_get_priority_min sched_get_priority_max',
    'uname sysinfo getcpu getrandom',
  ),
  group(
    'Restricting itself further.',
    'seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self',
  ),
]

/** There is no socket to use: the kernel's own answer for any other descriptor. */
export const USES_SOCKETS = group(
  'Using a socket.',
  'connect bind listen accept accept4 shutdown getsockname getpeername getsockopt setsockopt',
  'sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg',
)

/**
 * The profile named `compute`: a part of the default one, so that nothing runs here that doesn't run there. What it takes
 * away is answered as the default profile answers its like; what that refuses keeps its answer.
 */
export function computeProfile(options: ProfileOptions): Profile {
  const allowed = new Set(COMPUTE_ALLOWED.flatMap(({ calls }) => calls))
  const { rules, unlisted } = defaultProfile({ ...options, inet: false, hostFolders: false })
  return {
    rules: new Map(
      [...rules].map(([name, rule]) => [name, allowed.has(name) ? rule : withoutCall(name, rule)]),
    ),
    unlisted,
  }
}

function withoutCall(name: string, rule: Rule): Rule {
  // as a kernel without any such family would say
  if (name === 'socket' || name === 'socketpair') return always(errno('EAFNOSUPPORT'))
  if (USES_SOCKETS.calls.includes(name)) return always(errno('ENOTSOCK'))
  // what a second execve gets
  if (name === 'execveat') return always(errno('ENOSYS'))
  const runs = [rule.otherwise, ...rule.clauses.map(({ action }) => action)].some(
    ({ kind }) => kind === ALLOW.kind,
  )
  return runs ? always(errno('EPERM')) : rule
}
