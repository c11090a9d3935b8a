/**
 * The filter of the gateway's own process: the job's default profile, less what a program that only pipes bytes has no use
 * for. It reads names of networks (ClientHellos, request heads, DNS) that hostile code wrote, and has the host's network.
 */
import { compileFilter } from './compile.js'
import { PREBUILT } from './prebuilt.js'
import { defaultProfile } from './profile-default.js'
import {
  ALLOW,
  allowOnlyIf,
  always,
  type Clause,
  errno,
  hasAny,
  hasNone,
  isOneOf,
  type Rule,
} from './rule.js'
import type { Arch } from './table.js'

const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
const SOCK_TYPE_MASK = 0xf
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_RAW = 3
const NETLINK_ROUTE = 0
const IPPROTO_TCP = 6
const IPPROTO_UDP = 17

const CLONE_THREAD = 0x0001_0000
/** CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET} */
const NEW_NAMESPACES = 0x7e02_0000

/** Calls of the default profile that the gateway never makes. execve has to stay: bubblewrap starts Node by it. */
const NEVER =
  'fork vfork execveat socketpair shmget shmat shmdt shmctl semget semop semtimedop semctl pidfd_open pidfd_send_signal setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset mknod mknodat symlink symlinkat link linkat rename renameat renameat2 mkdir mkdirat rmdir truncate chmod fchmod fchmodat chown lchown fchown fchownat personality setpriority sched_setscheduler sched_setparam'.split(
    ' ',
  )

const ip = isOneOf(0, [AF_INET, AF_INET6])
const type = (value: number) => isOneOf(1, [value], SOCK_TYPE_MASK)
const allowed = (...when: Clause['when']): Clause => ({ when, action: ALLOW })

/** TCP and UDP; and rtnetlink, by which Node asks for this host's own addresses. No Unix socket: it was given its only one. */
const SOCKET: Rule = {
  clauses: [
    allowed(ip, type(SOCK_STREAM), isOneOf(2, [0, IPPROTO_TCP])),
    allowed(ip, type(SOCK_DGRAM), isOneOf(2, [0, IPPROTO_UDP])),
    allowed(isOneOf(0, [AF_NETLINK]), type(SOCK_RAW), isOneOf(2, [NETLINK_ROUTE])),
  ],
  otherwise: errno('EAFNOSUPPORT'),
}

/** `struct sock_filter[]`, little-endian. Compiled ahead: compiling takes 10 ms of a start. */
export function gatewayFilter(arch: Arch): Uint8Array {
  const ready = PREBUILT[`gateway-${arch}`]
  return ready === undefined ? compiledGatewayFilter(arch) : Buffer.from(ready.join(''), 'base64')
}

/** What {@link gatewayFilter} gives when nothing was compiled ahead. */
export function compiledGatewayFilter(arch: Arch): Uint8Array {
  const base = defaultProfile({ inet: true, cpuPinned: true, hostFolders: true })
  const rules = new Map(base.rules)
  for (const name of NEVER) if (rules.has(name)) rules.set(name, always(errno('EPERM')))
  rules.set('socket', SOCKET)
  // threads of its own, no process: what takes it over starts nothing beside it
  rules.set('clone', allowOnlyIf(errno('EPERM'), hasAny(0, CLONE_THREAD), hasNone(0, NEW_NAMESPACES)))
  return compileFilter({ ...base, rules }, arch)
}
