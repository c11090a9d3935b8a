/** What an attacker inside tries, as docs/threats.md has it: the rows of the table of threats and probes. */
import type { ThreatFamily } from '../../plan/index.js'

interface Threat {
  readonly family: ThreatFamily
  /** a phrase */
  readonly what: string
}

export const THREATS = {
  'host-processes': {
    family: 'escape',
    what: 'processes of the host: /proc, signals, ptrace, process_vm_*, pidfd_getfd, kcmp, setns',
  },
  'first-process': {
    family: 'escape',
    what: 'the first process of the sandbox: its environment, arguments, memory, descriptors, namespaces',
  },
  'new-privileges': { family: 'escape', what: 'setuid programs, file capabilities, becoming another user' },
  'user-namespaces': { family: 'escape', what: 'a user namespace by unshare, clone, clone3' },
  keyrings: { family: 'escape', what: 'keyrings: add_key, request_key, keyctl' },
  personality: {
    family: 'escape',
    what: 'personality: addresses that are not random, all memory executable',
  },
  mounts: {
    family: 'escape',
    what: 'mounts: mount, umount2, fsopen to move_mount, open_tree, mount_setattr, chroot',
  },
  'kernel-state': {
    family: 'escape',
    what: 'code and state of the kernel: bpf, modules, kexec, reboot, swap, clocks, names, perf events, userfaultfd',
  },
  'io-uring': { family: 'escape', what: 'io_uring, also for a socket that no filter sees' },
  'file-handles': { family: 'escape', what: 'open_by_handle_at, with a handle that was guessed' },
  'socket-families': {
    family: 'escape',
    what: 'AF_ALG, AF_VSOCK, AF_PACKET, raw, netlink with netfilter, and more',
  },
  'other-abis': { family: 'escape', what: 'the same calls by int 0x80, by socketcall, by x32 numbers' },
  'every-call': { family: 'escape', what: 'a system call that the profile does not allow, each of them' },
  terminal: { family: 'escape', what: "the caller's terminal: TIOCSTI, TIOCLINUX, TIOCSETD, /dev/tty" },
  inheritance: {
    family: 'escape',
    what: 'what a process inherits: descriptors, environment, signals, umask, limits, session',
  },
  'outside-workdir': { family: 'escape', what: 'a work directory outside the root (CVE-2024-21626)' },
  'programs-of-the-host': {
    family: 'escape',
    what: 'writing to programs of the host, by /proc/self/exe as well (CVE-2019-5736)',
  },
  'magic-links': { family: 'escape', what: '/proc/self/root, /proc/self/cwd, /proc/*/fd' },
  'decoder-taken-over': {
    family: 'escape',
    what: 'a second program, a shell, a socket, after the first exec',
  },
  'shown-by-mistake': { family: 'escape', what: 'a mount that shows or lets write more than it should' },
  'stdio-reopened': { family: 'escape', what: 'stdio reopened by /proc/self/fd' },
  'setuid-bits': { family: 'escape', what: 'setuid and setgid bits, by any call that sets a mode' },
  'device-nodes': { family: 'escape', what: 'device nodes, whiteouts, devices of the host in /dev' },
  'hard-links': { family: 'escape', what: 'hard links to files of the host' },
  'masked-files': { family: 'escape', what: 'masked files uncovered or swapped (CVE-2025-31133)' },
  outputs: { family: 'escape', what: 'links, sockets, fifos, huge files, odd names in outputs' },
  grants: { family: 'escape', what: 'writing to a read grant, leaving a grant, a socket or a fifo in one' },
  'mount-list': { family: 'escape', what: 'host paths in the list of mounts' },
  'engine-sockets': {
    family: 'escape',
    what: 'sockets of engines and agents: docker, containerd, ssh-agent, dbus, X11',
  },
  'host-ipc': { family: 'escape', what: 'abstract sockets, System V memory, message queues of the host' },
  watching: { family: 'escape', what: 'watching the host: inotify, leases, the list of locks' },
  'host-information': {
    family: 'escape',
    what: 'host information: /sys, kernel log, kallsyms, kcore, keys, timers, machine id, names, cgroups, users',
  },

  'no-network': { family: 'network', what: 'anything at all where there is no network' },
  'past-the-gateway': {
    family: 'network',
    what: 'other addresses and ports, IPv6, a server in the gateway’s place',
  },
  datagrams: { family: 'network', what: 'UDP, QUIC, ICMP, IP options, multicast, raw frames' },
  'dns-tunnels': {
    family: 'network',
    what: 'DNS tunnels: labels, TXT, SVCB; a question that a denied request triggers',
  },
  'other-resolvers': { family: 'network', what: 'another resolver; DNS over TLS or HTTPS by address' },
  spelling: { family: 'network', what: 'names and addresses in odd spellings' },
  suffixes: { family: 'network', what: 'names that end alike, wildcards that cross what they should not' },
  'addresses-behind-names': {
    family: 'network',
    what: 'private, shared, link-local, loopback, own addresses behind a name; mixed answers',
  },
  rebinding: {
    family: 'network',
    what: 'rebinding between check and dial; an old connection after the name moved',
  },
  metadata: { family: 'network', what: 'metadata services, by each address and name' },
  fronting: { family: 'network', what: 'another server name, none, two, no TLS on a TLS port' },
  'http-tricks': {
    family: 'network',
    what: 'two lengths, two Hosts, absolute form, pipelining, CONNECT, Upgrade, a second authority',
  },
  'inside-tls': {
    family: 'network',
    what: 'inside TLS that is looked into: past whoever looks, another method, path, host, or authority of a stream',
  },
  'wrong-certificates': {
    family: 'network',
    what: 'a host with a certificate for another, an old one, one that nobody signed',
  },
  'sandbox-authority': { family: 'network', what: 'the authority of one sandbox, believed in another' },
  volume: {
    family: 'network',
    what: 'volume through an allowed host: uploads, downloads, thousands of connections',
  },
  neighbours: { family: 'network', what: "the host's loopback, another sandbox, the gateway's own channel" },
  unseen: { family: 'network', what: 'an attempt that no report shows' },

  'credential-inside': {
    family: 'credentials',
    what: 'reading a value: variables, arguments, /proc, files',
  },
  'credential-elsewhere': {
    family: 'credentials',
    what: 'a placeholder or a value sent to another host, method, path or part of a request, plain, wrapped, in pieces',
  },
  'foreign-tokens': { family: 'credentials', what: 'a token or keys of somebody else, for an allowed host' },
  'credential-reflected': {
    family: 'credentials',
    what: 'a value got back from a host that repeats it: heads, bodies, wrapped, in pieces, packed',
  },
  'credential-after-end': { family: 'credentials', what: 'use after the end: time, uses, revocation' },
  'foreign-placeholders': { family: 'credentials', what: 'a placeholder of another sandbox' },
  'credential-written': { family: 'credentials', what: 'a value in what Glovebox writes down' },

  'staying-alive': {
    family: 'staying',
    what: 'ignoring SIGTERM, double forks, setsid, stopped processes, daemons',
  },
  'fork-bombs': { family: 'staying', what: 'a fork bomb' },
  memory: {
    family: 'staying',
    what: 'memory: of processes, in tmpfs, shared, page tables, buffers of sockets and pipes',
  },
  processors: { family: 'staying', what: 'more processors than granted' },
  'disk-floods': { family: 'staying', what: 'inode and disk floods, sparse files' },
  'output-floods': { family: 'staying', what: 'output floods' },
  descriptors: { family: 'staying', what: 'more descriptors than granted' },
  'core-dumps': { family: 'staying', what: 'core dumps, and the program that the host starts for them' },
  outliving: { family: 'staying', what: 'outliving: the supervisor killed, the deadline over' },
  'next-tenant': { family: 'staying', what: 'markers for the next tenant: /tmp, shm, keyrings' },
  'before-the-job': {
    family: 'staying',
    what: 'what is in a sandbox before its job: of others, of another plan, of before',
  },
  'forged-answers': { family: 'staying', what: 'speaking on the control channel' },
} as const satisfies Readonly<Record<string, Threat>>

export type ThreatId = keyof typeof THREATS

const NO_SOURCES = 'no source is asked: decoys stand for what they would give'

/** Rows of docs/threats.md that nothing inside a sandbox of `verify` can try, by their ids there, and why not. */
export const UNTRIED: Readonly<Record<string, string>> = {
  'terminal-answers': 'it happens on the terminal of whoever starts Glovebox',
  'misleading-text': 'it concerns what Glovebox prints',
  'hole-in-a-wall': 'a hole would have to be made first',
  'killed-while-starting': 'it is done to processes of the host; `npm run chaos` does it',
  'weakening-host': 'what the host is can not be changed from inside; a start is refused there',
  'own-root': 'it is done by whoever makes the tree, before there is a sandbox',
  'machine-taken-over':
    'its kernel would have to be taken over first; test/microvm/hostile.test.ts plays one that was',
  'saved-machines':
    'it is done to files of the host; that two of one draw other numbers, `next.randomness` tries',
  'kernel-exploit': 'none is kept here',
  'lying-name-servers': 'it is done by name servers, to the gateway',
  redirects: 'a redirect is followed by the job: each hop is one of the attempts above',
  slowness: 'it would take longer than a verification',
  'bad-upstreams': 'it is done by hosts, to the gateway',
  'secret-files': NO_SOURCES,
  'secret-inside': 'it is done by the caller, before there is a sandbox',
  'token-servers': NO_SOURCES,
  'gateway-killed': 'it is done to a process of the host',
  'many-sandboxes': 'it takes a thousand of them; `npm run test:long` makes them',
  'hostile-policies': 'it is done to the policy, before there is a sandbox',
  ceilings: 'it is done to the policy, before there is a sandbox',
  'hostile-frames': 'it would have to be the agent that says it; fuzz tests do',
  'hostile-images': 'it is done by whoever makes the image, before there is a sandbox',
  'kept-images': 'it is done to the store, by commands of the host',
  'kept-files': 'it is done by other users of the host',
  'supply-chain': 'it is done to what is installed',
}
