import { FILE_CHECKS } from './checks-files.js'
import { type DeviceCalls, ioctlCheck } from './checks-ioctl.js'
import { processChecks } from './checks-process.js'
import { socketChecks } from './checks-sockets.js'
import { ALLOW, always, errno, type Profile, type Rule } from './rule.js'

/** Calls with one thing in common, and what that is. */
export interface Group {
  readonly about: string
  readonly calls: readonly string[]
}

export interface ProfileOptions extends DeviceCalls {
  /** IPv4 and IPv6 stream and datagram sockets: the sandbox has a network, or loopback */
  readonly inet: boolean
  /** the CPU limit is held by processor affinity, which the job must not change */
  readonly cpuPinned: boolean
  /** folders of the host are shown, in which sockets of its services may lie: no Unix socket but connected pairs */
  readonly hostFolders?: boolean
}

/** Runs whatever the arguments are. Everything here is in Docker's default profile too; much of Docker's is not here. */
export const ALLOWED: readonly Group[] = [
  group(
    'Reading and writing what is already open.',
    'read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek sendfile splice tee',
    'copy_file_range fsync fdatasync sync_file_range ftruncate fallocate fadvise64 readahead flock close close_range',
    'dup dup2 dup3 pipe pipe2 cachestat',
  ),
  group(
    'Naming files. What names exist, and what may be written, is the business of mounts and owners.',
    'stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2 getdents getdents64 readlink readlinkat',
    'getcwd chdir fchdir rename renameat link linkat symlink symlinkat unlink unlinkat rmdir truncate umask',
    'chown fchown lchown fchownat utime utimes futimesat utimensat',
    'getxattr lgetxattr fgetxattr getxattrat listxattr llistxattr flistxattr listxattrat',
    'setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat',
  ),
  group(
    'Memory of its own.',
    'brk munmap mremap mprotect madvise msync mincore mlock mlock2 munlock mlockall munlockall mseal map_shadow_stack',
    'pkey_alloc pkey_free pkey_mprotect membarrier arch_prctl',
  ),
  group(
    'Processes and threads of its own; the pid namespace and the process limit hold them.',
    'fork vfork execve execveat exit exit_group wait4 waitid getpid getppid gettid getpgid getpgrp setpgid getsid setsid',
    'set_tid_address set_robust_list rseq futex futex_waitv futex_wake futex_wait futex_requeue',
    'kill tkill tgkill pidfd_open pidfd_send_signal restart_syscall uretprobe',
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
    'Who it is. Changing that needs capabilities, which it has none of; programs that drop privileges ask anyway.',
    'getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid setresgid',
    'setfsuid setfsgid setgroups capget capset',
  ),
  group(
    'Limits and scheduling of its own, and plain facts.',
    'getrlimit getrusage getpriority sched_yield sched_getaffinity sched_getscheduler sched_getparam',
    'sched_getattr sched_get_priority_min sched_get_priority_max sched_rr_get_interval ioprio_get',
    'uname sysinfo getcpu getrandom',
  ),
  group(
    'Using sockets; which kinds can be made is checked where they are made.',
    'connect bind listen accept accept4 shutdown getsockname getpeername getsockopt',
    'sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg',
  ),
  group(
    'Shared memory and semaphores, charged to the job’s memory and seen in its own ipc namespace.',
    'shmat shmdt shmctl semget semop semtimedop semctl',
  ),
  group('Restricting itself further.', 'landlock_create_ruleset landlock_add_rule landlock_restrict_self'),
]

/** EPERM: known ways out, or to the host's state. A program that needs one should hear no. */
export const REFUSED: readonly Group[] = [
  group(
    'File systems and their roots.',
    'mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree open_tree_attr mount_setattr',
    'swapon swapoff quotactl quotactl_fd',
  ),
  group('Namespaces.', 'unshare setns'),
  group(
    'Code in the kernel, and the kernel itself.',
    'bpf init_module finit_module delete_module kexec_load kexec_file_load reboot',
    'syslog iopl ioperm perf_event_open lookup_dcookie',
  ),
  group(
    'Other processes’ memory, descriptors and secrets.',
    'ptrace process_vm_readv process_vm_writev process_madvise process_mrelease pidfd_getfd kcmp get_robust_list',
    'add_key request_key keyctl',
  ),
  group(
    'Interfaces that go round every other rule: io_uring opens files and sockets that no filter sees; handles name files of no mount.',
    'io_uring_setup io_uring_enter io_uring_register open_by_handle_at name_to_handle_at fanotify_init fanotify_mark',
  ),
  group(
    'Stopping the kernel at a moment of the attacker’s choice, and memory that it can’t look into.',
    'userfaultfd memfd_secret',
  ),
  group(
    'The host’s clock, name, log and terminal.',
    'settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname acct vhangup',
  ),
  group('The host’s disks as a whole: a job’s own files have fsync.', 'sync syncfs'),
  group(
    'Where memory lies and who is served first.',
    'mbind set_mempolicy get_mempolicy set_mempolicy_home_node migrate_pages move_pages ioprio_set sched_setattr',
  ),
]

/** ENOSYS: as on a kernel without the call, so that programs take their other way. */
export const ABSENT: readonly Group[] = [
  group(
    'Arguments in memory, where a filter can’t see them; every program has an older way.',
    'clone3 openat2',
  ),
  group(
    'Newer than most programs, and a new way to what is checked or hidden elsewhere.',
    'fchmodat2 statmount listmount listns',
  ),
  group(
    'Watches on files: of the host’s too, whose programs it would tell as they start. Programs look again instead.',
    'inotify_init inotify_init1 inotify_add_watch inotify_rm_watch',
  ),
  group(
    'Newer still.',
    'lsm_get_self_attr lsm_set_self_attr lsm_list_modules file_getattr file_setattr uprobe rseq_slice_yield',
  ),
  group(
    'Optional parts of the kernel that few programs use, and that had more than their share of holes.',
    'io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents vmsplice modify_ldt remap_file_pages',
    'mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr msgget msgsnd msgrcv msgctl',
  ),
  group(
    'Long gone from the kernel, or never there.',
    'uselib ustat sysfs _sysctl create_module get_kernel_syms query_module nfsservctl getpmsg putpmsg afs_syscall',
    'tuxcall security vserver epoll_ctl_old epoll_wait_old set_thread_area get_thread_area',
  ),
]

/** The profile named `default`: an allowlist. What no group names is answered ENOSYS, whatever number it has. */
export function defaultProfile(options: ProfileOptions): Profile {
  const checked = {
    ...FILE_CHECKS,
    ...socketChecks(options.inet, options.hostFolders ?? false),
    ...processChecks(options.cpuPinned),
    ioctl: ioctlCheck(options),
  }
  const rules = new Map<string, Rule>()
  for (const [groups, action] of [
    [ALLOWED, ALLOW],
    [REFUSED, errno('EPERM')],
    [ABSENT, errno('ENOSYS')],
  ] as const) {
    for (const name of groups.flatMap(({ calls }) => calls)) rules.set(name, always(action))
  }
  for (const [name, rule] of Object.entries(checked)) rules.set(name, rule)
  return { rules, unlisted: errno('ENOSYS') }
}

export function group(about: string, ...calls: readonly string[]): Group {
  return { about, calls: calls.flatMap((line) => line.split(' ')) }
}
