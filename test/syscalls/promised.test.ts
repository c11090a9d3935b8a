/**
 * No policy makes a promise untrue that `explain` says is kept: each call that the profile refuses or checks either can't be
 * allowed, or is in the table below with the reason why no other promise rests on it. And with all of those allowed at once, no
 * attack of `glovebox verify` gets anywhere.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openedMechanisms } from '../../src/boundary/answers/filter-parts.js'
import { boundaryNamed } from '../../src/boundary/index.js'
import type { Verification } from '../../src/proof/verify/index.js'
import { planFor } from '../../src/sandbox/index.js'
import type { Adjustment } from '../../src/syscalls/adjust.js'
import { adjustmentProblems } from '../../src/syscalls/index.js'
import { defaultProfile } from '../../src/syscalls/profile-default.js'
import type { Circumstances } from '../../src/syscalls/promised.js'
import { ARCHES, syscallNumbers } from '../../src/syscalls/table.js'
import { HOSTS, type HostName } from '../plan/hosts.js'
import { parse } from '../policy/harness.js'
import { testFolder } from '../support/checkout.js'
import { asEachUser, glovebox } from '../support/users.js'

/** Why no promise but that of the profile, which names what a policy adds, rests on them. */
const MAY_BE_ALLOWED: Readonly<Record<string, string>> = {
  'the kernel asks for a capability that no job has':
    'mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount mount_setattr swapon swapoff setns init_module finit_module delete_module kexec_load kexec_file_load reboot iopl ioperm lookup_dcookie open_by_handle_at settimeofday clock_settime sethostname setdomainname acct vhangup',
  'the kernel has no user namespace left to give, and for the others it asks for a capability':
    'clone clone3 unshare',
  'of other processes it reaches the job’s own: the first is not dumpable':
    'ptrace process_vm_readv process_vm_writev process_madvise process_mrelease pidfd_getfd kcmp get_robust_list migrate_pages move_pages',
  'it opens or shows what the mounts of the job hold anyway':
    'open_tree open_tree_attr openat2 name_to_handle_at statmount listmount file_getattr file_setattr',
  'setuid bits stay in the sandbox, unless it has a live grant':
    'chmod fchmod fchmodat fchmodat2 open openat creat mkdir mkdirat',
  'it tells when files are used that the job may see; that is no promise but of the profile':
    'fanotify_init fanotify_mark inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fcntl',
  'its terminals are its own, and of a file it changes what the owner may': 'ioctl',
  'memory and programs of its own, counted as all else of it':
    'bpf userfaultfd memfd_secret mbind set_mempolicy get_mempolicy set_mempolicy_home_node vmsplice remap_file_pages modify_ldt personality prctl uselib uprobe io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents rseq_slice_yield',
  'a filter on top of a filter only takes away': 'seccomp setsockopt',
  'it reads a clock, or asks for what needs a capability': 'clock_adjtime adjtimex',
  'it makes disks write, which no promise is about': 'sync syncfs quotactl quotactl_fd',
  'queues of its own ipc namespace':
    'mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr msgget msgsnd msgrcv msgctl',
  'it tells of its own namespaces and security label':
    'listns lsm_get_self_attr lsm_set_self_attr lsm_list_modules',
  'no kernel has it any more, or it tells what any job may read':
    'ustat sysfs _sysctl create_module get_kernel_syms query_module nfsservctl getpmsg putpmsg afs_syscall tuxcall security vserver epoll_ctl_old epoll_wait_old set_thread_area get_thread_area',
}

const MAY = Object.values(MAY_BE_ALLOWED).flatMap((calls) => calls.split(' '))

/** Calls of either architecture that the widest default profile does not simply let through. */
const { rules } = defaultProfile({ inet: true, cpuPinned: false })
const WITHHELD = [...new Set(ARCHES.flatMap((arch) => [...syscallNumbers(arch).keys()]))].filter((name) => {
  const rule = rules.get(name)
  return rule === undefined || rule.clauses.length > 0 || rule.otherwise.kind !== 'allow'
})

/** What the filter stands before, and what is quick. */
const TRIED = [
  'identity',
  'isolation',
  'files',
  'network',
  'limits.processes',
  'limits.no-core-dumps',
  'lifetime.single-use',
]
const VERIFY = ['verify', '--json', ...TRIED.flatMap((each) => ['--only', each])]

const PLAIN: Circumstances = { cpuPinned: false, lock: null, profile: 'default' }

const isRefused = (name: string, circumstances: Circumstances) =>
  adjustmentProblems({ deny: [], allow: [name] } satisfies Adjustment, circumstances).some(
    ({ code }) => code === 'syscalls.promised',
  )

describe('a call that another promise rests on', () => {
  test('can’t be allowed; every other has a reason', () => {
    assert.deepEqual(WITHHELD.filter((name) => !isRefused(name, PLAIN)).sort(), [...MAY].sort())
  })

  for (const [promise, calls] of [
    ['which sockets there are', 'socket socketpair io_uring_setup io_uring_enter io_uring_register'],
    ['limits.no-core-dumps', 'setrlimit prlimit64'],
    ['isolation.processes', 'setpriority sched_setscheduler sched_setparam sched_setaffinity sched_setattr'],
    ['isolation.processes', 'ioprio_set prlimit64 perf_event_open syslog'],
    ['isolation.nothing-inherited', 'keyctl add_key request_key'],
    ['files.devices', 'mknod mknodat renameat2'],
    ['limits.memory', 'mmap memfd_create shmget'],
  ] as const)
    test(`${promise}: ${calls}`, () => {
      for (const name of calls.split(' ')) assert.ok(isRefused(name, PLAIN), name)
    })

  for (const [what, circumstances, calls] of [
    ['a gate, whose listener is the first process’s', { lock: 'sealed' }, 'seccomp'],
    ['a gate, for one exec', { profile: 'compute' }, 'seccomp execve execveat'],
    ['a lock, after which nothing is opened', { lock: 'sealed' }, 'open_tree open_tree_attr mq_open uselib'],
    ['a live grant, in which bits stay', { hostWrites: true }, 'chmod openat2 fchmodat2 mkdir'],
  ] as const)
    test(`${what}: ${calls}`, () => {
      for (const name of calls.split(' ')) {
        assert.ok(isRefused(name, { ...PLAIN, ...circumstances }), name)
        assert.ok(!isRefused(name, PLAIN), `${name}, without it`)
      }
    })
})

describe('what explain says', () => {
  const boundary = boundaryNamed('process') ?? assert.fail()
  const claims = (host: HostName, allow: readonly string[]) =>
    planFor(parse({ version: 1, syscalls: { allow } }), boundary, HOSTS[host]).claims

  for (const host of Object.keys(HOSTS) as HostName[])
    test(`${host}: with all allowed that may be, each claim is kept as before, and by no part that was opened`, () => {
      const before = claims(host, [])
      const opened = openedMechanisms(MAY)
      assert.ok(opened.has('filter-terminal') && opened.has('filter-namespaces'))
      for (const claim of claims(host, MAY)) {
        assert.equal(claim.status, before.find(({ id }) => id === claim.id)?.status, claim.id)
        for (const each of claim.mechanisms) assert.ok(!opened.has(each), `${claim.id}: ${each}`)
      }
    })

  test('names the filter’s part until its call is allowed', () => {
    const by = (id: string, allow: readonly string[]) =>
      claims('root with cgroup v1', allow)
        .find((claim) => claim.id === id)
        ?.by.join('; ') ?? ''
    assert.match(by('identity.no-user-namespaces', []), /max_user_namespaces.*seccomp/)
    assert.doesNotMatch(by('identity.no-user-namespaces', ['unshare']), /seccomp/)
    assert.match(by('isolation.no-terminal', []), /setsid.*TIOCSTI/)
    assert.doesNotMatch(by('isolation.no-terminal', ['ioctl']), /TIOCSTI/)
  })
})

asEachUser('with all allowed that may be, no attack on another promise succeeds', async (user, t) => {
  const policy = join(testFolder(t, 0o755), 'policy.yaml')
  writeFileSync(policy, `version: 1\nwaive: [limits.memory]\nsyscalls: {allow: [${MAY}]}\n`)
  const { stdout, stderr } = await glovebox(user, [...VERIFY, '--policy', policy])
  assert.notEqual(stdout, '', stderr)
  const { probes } = JSON.parse(stdout) as Verification
  assert.deepEqual(
    probes
      .filter(({ status }) => status === 'broken' || status === 'controlFailed')
      .map(({ id, status, why }) => `${id} ${status}: ${why.join('; ')}`),
    [],
  )
  assert.ok(probes.filter(({ status }) => status === 'holds').length > 50, `${probes.length}`)
})
