import { ALLOW, allowOnlyIf, allowUnless, type Clause, errno, isOneOf, type Rule } from './rule.js'

const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
const NETLINK_ROUTE = 0

/** the rest of the type argument is SOCK_CLOEXEC and SOCK_NONBLOCK */
const SOCK_TYPE_MASK = 0xf
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_RAW = 3
const SOCK_SEQPACKET = 5

const IPPROTO_TCP = 6
const IPPROTO_UDP = 17

const SOL_SOCKET = 1
/** SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF, SO_ATTACH_REUSEPORT_EBPF */
const ATTACHES_PROGRAM = [26, 50, 51, 52]

/**
 * Family, type and protocol are `int`s in the kernel: the low half decides. The type is checked although the
 * family is: AF_INET with SOCK_PACKET (10) makes a packet socket, an old spelling that the kernel still knows.
 */
function socket(inet: boolean, hostFolders: boolean): Rule {
  const ip = isOneOf(0, [AF_INET, AF_INET6])
  const inetClauses: readonly Clause[] = [
    {
      when: [ip, isOneOf(1, [SOCK_STREAM], SOCK_TYPE_MASK), isOneOf(2, [0, IPPROTO_TCP])],
      action: ALLOW,
    },
    {
      when: [ip, isOneOf(1, [SOCK_DGRAM], SOCK_TYPE_MASK), isOneOf(2, [0, IPPROTO_UDP])],
      action: ALLOW,
    },
    // getifaddrs(3) and if_nametoindex(3) ask by it which interfaces there are, without another way: os.networkInterfaces() throws
    {
      when: [
        isOneOf(0, [AF_NETLINK]),
        isOneOf(1, [SOCK_RAW, SOCK_DGRAM], SOCK_TYPE_MASK),
        isOneOf(2, [NETLINK_ROUTE]),
      ],
      action: ALLOW,
    },
    // raw, packet and ping sockets; MPTCP, SCTP and the rest, for which programs fall back to TCP
    { when: [ip], action: errno('EPROTONOSUPPORT') },
  ]
  return {
    clauses: [
      ...(hostFolders ? [] : [{ when: [isOneOf(0, [AF_UNIX])], action: ALLOW }]),
      ...(inet ? inetClauses : []),
    ],
    // as a kernel without that family would say; AF_VSOCK reaches the hypervisor and AF_ALG needs no namespace
    otherwise: errno('EAFNOSUPPORT'),
  }
}

/**
 * A read-only mount doesn't keep anyone from connecting to the socket of a host service (docker.sock, an agent's) that
 * lies in a granted folder, and an address is in memory, where no filter sees it. So with `hostFolders` there is no
 * socket to connect with: only pairs that are connected already, not datagram ones, which may be pointed elsewhere.
 */
export function socketChecks(inet: boolean, hostFolders: boolean): Readonly<Record<string, Rule>> {
  const connected = hostFolders ? [isOneOf(1, [SOCK_STREAM, SOCK_SEQPACKET], SOCK_TYPE_MASK)] : []
  return {
    socket: socket(inet, hostFolders),
    socketpair: allowOnlyIf(errno('EAFNOSUPPORT'), isOneOf(0, [AF_UNIX]), ...connected),
    // a program of the job's choice in the kernel's interpreter and JIT
    setsockopt: allowUnless(errno('EPERM'), isOneOf(1, [SOL_SOCKET]), isOneOf(2, ATTACHES_PROGRAM)),
  }
}
