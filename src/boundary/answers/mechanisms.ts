/**
 * All that keeps a promise of the process boundary, each thing once: an answer names by which of these it holds. For each, a
 * probe of `glovebox verify` that notices when it alone is missing, or the wall that stands behind it, is in
 * test/proof/mutation-table.ts.
 */
import type { InForce, Means } from '../../plan/index.js'

export const MECHANISMS = {
  // who the job is
  'unprivileged-ids': 'uid and gid 1000 inside, not 0',
  'no-capabilities': 'bubblewrap drops every capability',
  'own-host-uid': 'as root: a host uid and gid of the sandbox’s own, no supplementary groups',
  'no-new-privileges': 'PR_SET_NO_NEW_PRIVS',
  'nosuid-mounts': 'every mount nosuid',
  'no-user-namespaces': 'max_user_namespaces is 0 inside',

  // what the job is apart from
  'pid-namespace': 'a pid namespace, whose first process is the sandbox’s own',
  'own-proc': 'a procfs of that namespace',
  'agent-not-dumpable': 'the first process is not dumpable',
  'ipc-namespace': 'an ipc namespace',
  'network-namespace': 'a network namespace without a way out',
  'uts-namespace': 'a uts namespace',
  'cgroup-namespace': 'a cgroup namespace',
  'own-session': 'a session of its own (setsid)',
  'own-streams': 'pipes made for this sandbox, or a terminal made inside',
  'closed-descriptors': 'every descriptor but the job’s own is closed',
  'empty-environment': 'the environment is the policy’s alone',
  'default-signals': 'signals have their defaults',
  'own-keyring': 'a new session keyring',
  'reset-limits': 'resource limits are not the caller’s',
  'security-module': 'a profile of AppArmor or a domain of SELinux',
  'runtime-version': 'no version of bubblewrap that could start has a known escape that is left open',

  // files
  'read-only-root': 'what is shown of the host, and the root itself, is read-only',
  'own-root': 'a root of its own in a mount namespace',
  'own-etc': 'own passwd, group, hosts, resolv.conf',
  'own-dev': 'a /dev of its own',
  'masked-proc': 'files of /proc that tell of the host are covered',
  'read-only-sysctl': '/proc/sys is read-only',
  'bounded-scratch': 'one tmpfs with size and nr_inodes',
  'limit-file-size': 'RLIMIT_FSIZE',
  'grant-without-links': 'granted paths are opened without following symbolic links',
  'grant-read-only': 'read grants are read-only mounts',
  'grant-nodev': 'granted mounts are nosuid and nodev',
  'grant-idmapped': 'as root: granted mounts are idmapped',
  'collected-last': 'outputs are read when every process of the job has died, without following links',
  'checked-extractor': 'what comes out is checked again, entry by entry',
  landlock: 'Landlock',

  // the network
  tproxy: 'TPROXY gives every port to one socket, which the gateway holds',
  'refused-datagrams': 'nftables rejects all datagrams but questions to the resolver',
  'logged-datagrams': 'netfilter logs the datagrams that are refused',
  'gateway-names': 'the gateway answers only for names that the policy names',
  'gateway-resolves': 'the gateway looks a name up once, and dials only addresses that it then checked',
  'gateway-addresses': 'the gateway classifies every address',
  'gateway-metadata': 'no rule opens a metadata service',
  'gateway-own-addresses': 'the gateway knows this host’s own addresses',
  'gateway-server-name': 'the gateway reads the ClientHello',
  'gateway-http': 'the gateway parses each request and writes its own',
  'gateway-requests': 'the gateway holds methods and paths to the rule',
  'gateway-inspects': 'the gateway ends TLS that a rule inspects',
  'gateway-authority': 'the gateway makes an authority for each sandbox',
  'gateway-certificates': 'the gateway verifies certificates of hosts',
  'gateway-budgets': 'the gateway counts',

  // credentials
  'credential-placeholders': 'variables hold placeholders; values go to the gateway alone',
  'credential-hosts': 'the gateway puts a value into requests to its hosts alone',
  'credential-tls': 'the gateway puts no value into what is not TLS',
  'credential-methods': 'the gateway puts a value into requests of its methods alone',
  'credential-paths': 'the gateway puts a value into requests of its paths alone',
  'credential-alone': 'the gateway takes off what the job has in the place of a value',
  'credential-signatures': 'the gateway refuses signatures with other keys',
  'credential-heads': 'the gateway looks for placeholders and values in the heads of requests',
  'credential-bodies': 'the gateway looks for placeholders and values in the bodies of requests',
  'credential-foreign': 'the gateway knows a placeholder that is not of this sandbox',
  'credential-time': 'the gateway ends a lease by its time',
  'credential-uses': 'the gateway counts uses',
  'credential-revocation': 'the gateway ends a lease when it is told to',
  'credential-streams': 'the gateway closes what is under way when a lease ends',
  'credential-answer-heads': 'the gateway looks for values in the heads of answers',
  'credential-answer-bodies': 'the gateway looks for values in the bodies of answers',
  'credential-unpacking': 'the gateway unpacks answers, and refuses those that it can not',
  'credential-records': 'the gateway takes values out of what it tells',
  'credential-reports': 'Glovebox takes values out of its reports, errors and messages',

  // the system call filter, by what each part of it keeps
  filter: 'a seccomp filter that lets only known calls through',
  'filter-abi': 'the filter kills whoever uses another ABI',
  'filter-namespaces': 'the filter lets nobody make or enter a namespace',
  'filter-terminal': 'the filter refuses TIOCSTI and TIOCLINUX',
  'filter-families': 'the filter refuses families and types of sockets',
  'filter-unix-sockets': 'with a grant the filter refuses Unix sockets that could connect',
  'filter-modes': 'the filter refuses setuid and setgid bits and device nodes',
  'filter-affinity': 'the filter lets nobody change affinity',
  'filter-core-limit': 'the filter lets nobody change RLIMIT_CORE',
  'filter-execveat': 'the filter refuses execveat',
  'exec-gate': 'the first process lets one program be executed',
  'lock-gate': 'the first process lets a locked job make none of the calls that it gave up',

  // weight
  'cgroup-memory': 'the memory limit of a cgroup',
  'cgroup-cpu': 'the CPU quota of a cgroup',
  'cgroup-pids': 'pids.max of a cgroup',
  'pinned-processors': 'processor affinity',
  'host-processors': 'the host has no more processors than were granted',
  'limit-processes': 'RLIMIT_NPROC',
  'limit-open-files': 'RLIMIT_NOFILE',
  'output-count': 'Glovebox counts what it reads',
  'no-core-dumps': 'RLIMIT_CORE 1',

  // time
  'clock-inside': 'the deadline’s clock in the first process',
  'clock-outside': 'the deadline’s clock in the supervisor',
  'silence-clock': 'the clock for silence in the supervisor',
  'agent-lifeline': 'the first process exits when its socket to the supervisor closes',
  'parent-death': 'a parent-death signal from bubblewrap to the first process',
  'launcher-ends-all': 'a launcher that ends, ends its sandboxes',
  'one-command': 'the first process starts one command and exits',
  'job-arrives': 'all that is a job’s comes with it, over its first process’s own channel',
  'one-plan': 'a sandbox that waits is taken by a run of its own plan alone',
  'shown-again': 'what a sandbox shows that waited is looked at again when it is taken',
  'one-tenant': 'a sandbox is used again by runs of its own tenant and plan alone',
  'emptied-scratch': 'scratch folders and objects of System V are emptied between two commands',
  'leases-end': 'leases, connections and streams end with each command',
  'launcher-waits': 'the launcher waits for every process',
  'cgroup-removed': 'the launcher removes the cgroup',
} as const satisfies Readonly<Record<string, string>>

/** What a kernel of the sandbox's own is in the place of. It can't be left off: nothing of the sandbox would be left. */
export const SENTRY_MECHANISMS = {
  sentry: 'another kernel, gVisor’s sentry, which answers every system call of the job',
  'sentry-credentials': 'the job’s user, without capabilities or a way to any, in that kernel',
  'sentry-confined': 'the sentry is a process without rights, behind a filter of its own, with an empty root',
  'sealed-streams': 'what the first process says is sealed with a key that the job can’t have',
  'sentry-gofer': 'another process opens files for the sentry, and sees the sandbox’s root alone',
} as const satisfies Readonly<Record<string, string>>

/** The same of a virtual machine. */
export const MACHINE_MECHANISMS = {
  machine: 'a virtual machine, in which nobody but the job and its first processes is',
  'machine-jail': 'QEMU is the one command of a sandbox of the process boundary',
  'machine-saved': 'machines go on where one was saved that never had a job, each with randomness of its own',
  'machine-locked': 'the machine’s kernel is locked before a job is there: no modules, no namespaces',
  'machine-credentials': 'the job’s user, without capabilities or a way to any, in the machine',
  'machine-disk': 'the root is a disk that can’t be written to',
  'machine-grants':
    'what is granted for reading is copied into the machine, and shown there by a read-only mount',
  'machine-dev': 'a /dev with none of the machine’s devices',
  'machine-cgroup': 'the limits of a cgroup in the machine',
  'machine-tap': 'the machine’s one link ends where the gateway is',
  'machine-lifeline': 'the machine powers itself off when its line to the supervisor ends',
} as const satisfies Readonly<Record<string, string>>

export type MechanismId = keyof typeof MECHANISMS
type Keeper = MechanismId | keyof typeof SENTRY_MECHANISMS | keyof typeof MACHINE_MECHANISMS

/** A line of an answer: no words without the mechanisms that they stand for. */
export function by(says: string, first: Keeper, ...more: Keeper[]): Means {
  return { says, mechanisms: [first, ...more] }
}

/**
 * @param kept what the boundary has always
 * @throws RangeError when something is to be left off that is not there, or stays: it would look as if its absence went unnoticed
 */
export function requireLeavable(inForce: InForce, kept: readonly MechanismId[]): void {
  const ids = inForce.leftOff?.ids.split(',') ?? []
  const unknown = ids.filter((id) => id !== '' && !Object.hasOwn(MECHANISMS, id))
  if (unknown.length > 0) throw new RangeError(`no mechanism is called ${unknown.join(', ')}`)
  const stay = kept.filter((id) => !inForce.on(id))
  if (stay.length > 0) throw new RangeError(`this boundary can't leave off ${stay.join(', ')}`)
}
