/** Code and state of the kernel: keyrings, personality, io_uring, file handles, and what only root may ask for. */
import { type CapabilityName, needing, unlessAllowed } from './derive.js'
import type { Attempt, Given, Open, Pointless, Probe, Trial } from './probe.js'
import { asAttempt, refused, unless, type Words } from './refused.js'
import type { ThreatId } from './threats.js'

interface Row {
  readonly id: string
  readonly tries: string
  /** a policy that allows one of these opens it */
  readonly calls: readonly string[]
  readonly attempts: readonly (Words | Attempt)[]
  readonly threat?: ThreatId
  readonly where?: Open
  /** without it nobody can do it in the open */
  readonly needs?: CapabilityName
  /** in the open, where they differ */
  readonly control?: readonly (Words | Attempt)[]
}

/** Closed to ordinary users by settings that many hosts have. */
const SETTINGS = ['EPERM', 'EACCES']
const perhaps = (...words: Words) => unless(SETTINGS, words)

const ROWS: readonly Row[] = [
  {
    id: 'bpf',
    tries: 'load a BPF map and program',
    calls: ['bpf'],
    attempts: [perhaps('bpf-map'), perhaps('bpf-program')],
  },
  {
    id: 'socket-filter',
    tries: 'attach a BPF program to a socket',
    calls: ['setsockopt'],
    attempts: [['socket-filter']],
  },
  {
    id: 'perf',
    tries: 'count events of the processor',
    calls: ['perf_event_open'],
    attempts: [perhaps('perf-event')],
  },
  {
    id: 'userfaultfd',
    tries: 'handle page faults, also those of the kernel',
    calls: ['userfaultfd'],
    attempts: [perhaps('userfaultfd', '0'), ['userfaultfd', '1']],
  },
  {
    id: 'modules',
    tries: 'load or remove a module',
    calls: ['init_module', 'finit_module', 'delete_module'],
    attempts: [['module'], ['module-file'], ['remove-module']],
    needs: 'SYS_MODULE',
  },
  {
    id: 'kexec',
    tries: 'start another kernel, or this one again',
    calls: ['kexec_file_load', 'reboot'],
    attempts: [['kexec'], ['reboot']],
    needs: 'SYS_BOOT',
  },
  {
    id: 'swap',
    tries: 'add or remove swap',
    calls: ['swapon', 'swapoff'],
    attempts: [['swapon'], ['swapoff']],
    needs: 'SYS_ADMIN',
  },
  {
    id: 'clocks',
    tries: "set the host's clock",
    calls: ['clock_settime', 'settimeofday', 'adjtimex'],
    attempts: [['set-clock'], ['set-time'], ['adjust-clock']],
    needs: 'SYS_TIME',
  },
  {
    id: 'accounting',
    tries: 'have the host write down every process',
    calls: ['acct'],
    attempts: [['account']],
    needs: 'SYS_PACCT',
  },
  { id: 'quotas', tries: 'ask about quotas', calls: ['quotactl'], attempts: [['quota']], needs: 'SYS_ADMIN' },
  {
    id: 'names',
    tries: 'set the name of the host or its domain',
    calls: ['sethostname', 'setdomainname'],
    attempts: [['set-host-name'], ['set-domain-name']],
    where: 'privileged',
  },
  {
    id: 'ports',
    tries: 'use ports of the hardware, or segments of its own',
    calls: ['ioperm', 'iopl', 'modify_ldt'],
    attempts: [perhaps('ports'), perhaps('all-ports'), ['segments']],
  },
  {
    id: 'memory-policy',
    tries: 'choose the nodes of its memory',
    calls: ['set_mempolicy'],
    attempts: [['memory-policy']],
  },
  {
    id: 'keys',
    tries: 'add a key, ask for one, describe the session keyring',
    calls: ['add_key', 'request_key', 'keyctl'],
    attempts: [['add-key'], ['request-key'], ['keyctl']],
    threat: 'keyrings',
  },
  {
    id: 'keyring',
    tries: 'join another session keyring',
    calls: ['keyctl'],
    attempts: [['join-keyring']],
    threat: 'keyrings',
  },
  {
    id: 'personality',
    tries: 'take addresses that are not random, or memory that is all executable',
    calls: ['personality'],
    attempts: [
      ['personality', '40000'],
      ['personality', '400000'],
    ],
    threat: 'personality',
  },
  {
    id: 'io-uring',
    tries: 'make a ring of io_uring',
    calls: ['io_uring_setup'],
    attempts: [perhaps('io-uring')],
    threat: 'io-uring',
  },
  {
    id: 'io-uring-socket',
    tries: 'have io_uring make a socket that no filter sees',
    calls: ['io_uring_setup', 'io_uring_enter'],
    attempts: [perhaps('io-uring-socket')],
    threat: 'io-uring',
  },
  {
    id: 'handle',
    tries: 'open a file by its handle, and the root of a file system by one that was guessed',
    calls: ['name_to_handle_at', 'open_by_handle_at'],
    attempts: [['file-handle', '/usr'], unless(['ESTALE', 'EPERM'], ['guessed-handle', '/usr'])],
    threat: 'file-handles',
    needs: 'DAC_READ_SEARCH',
  },
  {
    id: 'terminal-input',
    tries: 'type into a terminal, with junk in the bits that the kernel does not read',
    calls: ['ioctl'],
    attempts: ['0', '1', 'deadbeef', 'ffffffff'].map((junk) => ['pty-type', junk] as const),
    // EIO: nobody may any more (dev.tty.legacy_tiocsti=0)
    control: ['0', 'deadbeef'].map((junk) => unless(['EIO', 'EPERM'], ['pty-type', junk])),
    threat: 'terminal',
  },
  {
    id: 'terminal-discipline',
    tries: 'give a terminal another line discipline, whose module is then loaded',
    calls: ['ioctl'],
    attempts: [['pty-discipline', '0']],
    threat: 'terminal',
  },
  {
    id: 'terminal-paste',
    tries: 'have the console paste what was selected on it',
    calls: ['ioctl'],
    attempts: ['0', 'deadbeef'].map((junk) => ['pty-paste', junk] as const),
    threat: 'terminal',
  },
]

export const kernelProbes: readonly Probe[] = ROWS.map((row) => ({
  id: `kernel.${row.id}`,
  claim: 'syscalls.profile',
  threat: row.threat ?? 'kernel-state',
  tries: row.tries,
  trial: (given) => unlessAllowed(given, row.calls, ifPossible(row, given)),
}))

function ifPossible({ attempts, control, where, needs }: Row, given: Given): Trial | Pointless {
  const trial = refused(() => attempts, {
    ...(control === undefined ? {} : { control: () => control.map(asAttempt) }),
    ...(where === undefined ? {} : { where }),
  })
  return needs === undefined ? trial : needing(given, needs, trial)
}
