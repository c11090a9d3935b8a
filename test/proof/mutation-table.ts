/**
 * Which probe notices when a mechanism is missing; each mechanism is in one row. A row is what a run showed, but for
 * security-module and landlock: those wait for a kernel on which they are promised, and are skipped elsewhere.
 */
import type { MechanismId } from '../../src/boundary/answers/mechanisms.js'
import type { RequirementId } from '../../src/plan/index.js'
import type { Under } from './mutation-policies.js'

/** The probe says `broken` when the mechanism is left off. */
export interface Isolated {
  /** of `glovebox verify`, or one of mutation-probes.ts */
  readonly by: string
  /** absent: `plain` */
  readonly under?: Under
  /** Walls that hold as well: only with these off too is anything noticed. With these off and this one on, it holds. */
  readonly behind?: readonly MechanismId[]
  /** the same, where root starts it */
  readonly behindAsRoot?: readonly MechanismId[]
  /** only for root: an ordinary user has it not */
  readonly asRoot?: true
  /** what is attacked has waited for its job */
  readonly warm?: true
}

/** Nothing inside notices, or it can't be left off. */
export interface Unseen {
  readonly by: null
  readonly why: string
}

export type Row = Isolated | Unseen

export const TABLE: Readonly<Record<MechanismId, Row>> = {
  'unprivileged-ids': { by: 'identity.user' },
  'no-capabilities': { by: 'identity.capabilities' },
  'own-host-uid': { by: 'identity.outside', asRoot: true },
  'no-new-privileges': {
    by: null,
    why: 'bubblewrap sets it whatever it is told, and nothing can take it back.',
  },
  'nosuid-mounts': {
    by: null,
    why: 'bubblewrap mounts everything nosuid whatever it is told; PR_SET_NO_NEW_PRIVS keeps the same.',
  },
  'no-user-namespaces': { by: 'user-namespaces.unshare', behind: ['filter-namespaces'] },

  'pid-namespace': { by: 'processes.listed' },
  'own-proc': { by: 'processes.listed' },
  'agent-not-dumpable': { by: 'first-process.memory', behind: ['landlock'] },
  'ipc-namespace': { by: 'ipc.memory' },
  'network-namespace': { by: 'ipc.abstract' },
  'uts-namespace': { by: 'names.host' },
  'cgroup-namespace': { by: 'names.cgroup' },
  'own-session': { by: 'inherited.session' },
  'own-streams': { by: null, why: 'A sandbox is talked to by them: without there is none.' },
  'closed-descriptors': { by: 'inherited.descriptors' },
  'empty-environment': { by: 'inherited.environment' },
  'default-signals': { by: 'inherited.signals' },
  'own-keyring': {
    by: null,
    why: 'A backup: the filter refuses every call that a keyring is reached by (kernel.keys, kernel.keyring), and no policy can allow one. With the filter left off too, no probe tells the caller’s from another: the suite’s caller has none of its own.',
  },
  'reset-limits': { by: 'inherited.limits' },
  'security-module': { by: 'security-module.label' },
  'runtime-version': {
    by: null,
    why: 'It decides whether a sandbox starts, and nothing inside tells which version started it. test/host/escapes.test.ts holds each row to its versions.',
  },

  'read-only-root': { by: 'files.programs', behind: ['landlock'] },
  'own-root': { by: 'files.canary' },
  'own-etc': { by: 'files.users' },
  'own-dev': { by: 'files.host-devices' },
  'masked-proc': { by: 'proc.masked' },
  'read-only-sysctl': { by: 'proc.settings' },
  'bounded-scratch': { by: 'scratch.bytes' },
  'limit-file-size': { by: 'scratch.file-limit' },
  'grant-without-links': { by: 'grants.replaced', under: 'grants' },
  'grant-read-only': { by: 'grants.write', under: 'grants', behind: ['landlock'] },
  'grant-nodev': {
    by: null,
    why: 'A backup: bubblewrap binds everything nosuid and nodev once more, and the filter makes no device node.',
  },
  'grant-idmapped': { by: 'looks.owner', under: 'grants', asRoot: true },
  'collected-last': { by: 'outputs.link', under: 'grants' },
  'checked-extractor': {
    by: null,
    why: 'It is for a first process that lies; a job has no way to make ours lie. test/boundary/hostile-agent.fuzz.test.ts has one that does.',
  },
  landlock: { by: 'second-wall.fifo', under: 'grants' },

  tproxy: { by: 'records.denied', under: 'network' },
  'refused-datagrams': { by: 'records.datagram', under: 'network' },
  'logged-datagrams': { by: 'records.datagram', under: 'network' },
  'gateway-names': { by: 'names.denied', under: 'network' },
  'gateway-resolves': {
    by: null,
    why: 'There is nothing to leave off: what is dialled is an address, and no name is left that could be looked up again.',
  },
  'gateway-addresses': { by: 'addresses.private', under: 'network' },
  'gateway-metadata': { by: 'metadata.behind-names', under: 'network' },
  'gateway-own-addresses': { by: 'host.own-behind-name', under: 'network' },
  'gateway-server-name': { by: 'tls.other-name', under: 'network' },
  'gateway-http': { by: 'http.two-hosts', under: 'network' },
  'gateway-requests': { by: 'inspected.path', under: 'inspected' },
  'gateway-inspects': { by: 'inspected.unread', under: 'inspected' },
  'gateway-authority': { by: 'inspected.other-sandbox', under: 'inspected' },
  'gateway-certificates': { by: 'inspected.other-certificate', under: 'inspected' },
  'gateway-budgets': { by: 'budgets.upload', under: 'network' },

  'credential-placeholders': { by: 'secrets.variables', under: 'credentials' },
  'credential-hosts': { by: 'secrets.other-host', under: 'credentials' },
  'credential-tls': { by: 'secrets.clear', under: 'credentials' },
  'credential-methods': { by: 'secrets.other-method', under: 'credentials' },
  'credential-paths': { by: 'secrets.other-path', under: 'credentials' },
  'credential-alone': { by: 'secrets.foreign-token', under: 'credentials' },
  'credential-signatures': { by: 'secrets.foreign-signature', under: 'credentials' },
  'credential-heads': { by: 'secrets.placeholder-header', under: 'credentials' },
  'credential-bodies': { by: 'secrets.placeholder-body', under: 'credentials' },
  'credential-foreign': { by: 'secrets.other-sandbox', under: 'credentials' },
  'credential-time': { by: 'secrets.time', under: 'credentials' },
  'credential-uses': { by: 'secrets.uses', under: 'credentials' },
  'credential-revocation': { by: 'secrets.revoked', under: 'credentials' },
  'credential-streams': { by: 'secrets.under-way', under: 'credentials' },
  'credential-answer-heads': { by: 'secrets.echo-header', under: 'credentials' },
  'credential-answer-bodies': { by: 'secrets.echo-body', under: 'credentials' },
  'credential-unpacking': { by: 'secrets.echo-packed', under: 'credentials' },
  'credential-records': { by: 'secrets.report', under: 'credentials' },
  'credential-reports': {
    by: null,
    why: 'A backup: it comes behind the gateway’s, for what `run` writes, and probes look at what the gateway told.',
  },

  filter: { by: 'calls.unknown' },
  'filter-abi': { by: 'abi.int80' },
  'filter-namespaces': { by: 'user-namespaces.unshare', behind: ['no-user-namespaces'] },
  'filter-terminal': { by: 'calls.refused' },
  'filter-families': { by: 'calls.families' },
  'filter-unix-sockets': { by: 'grants.socket', under: 'grants' },
  'filter-modes': { by: 'live.modes', under: 'grants' },
  'filter-affinity': { by: 'processors.affinity', under: 'processors' },
  'filter-core-limit': { by: 'cores.limit' },
  'filter-execveat': { by: 'no-exec.execveat', under: 'compute' },
  'exec-gate': { by: 'no-exec.execve', under: 'compute' },
  'lock-gate': { by: 'lock.open', under: 'locked' },

  'cgroup-memory': { by: 'memory.process' },
  'cgroup-cpu': { by: 'processors.time', under: 'processors' },
  'cgroup-pids': { by: 'processes.forks' },
  'pinned-processors': { by: 'processors.affinity', under: 'processors' },
  'host-processors': { by: null, why: 'The machine has no more: there is nothing to leave off.' },
  'limit-processes': { by: 'looks.limit-processes' },
  'limit-open-files': { by: 'descriptors.more' },
  'output-count': { by: 'output.flood' },
  'no-core-dumps': { by: 'cores.crash' },

  'clock-inside': { by: 'deadline.deaf', behind: ['clock-outside'] },
  'clock-outside': { by: 'deadline.deaf', behind: ['clock-inside'] },
  'silence-clock': { by: 'silence.stay' },
  'agent-lifeline': { by: 'supervisor.killed', behind: ['launcher-ends-all'] },
  'parent-death': {
    by: null,
    why: 'A backup: it is for a bubblewrap that dies, and nothing inside can end it. The sandboxes of a killed supervisor end by the two others.',
  },
  'launcher-ends-all': { by: 'supervisor.killed', behind: ['agent-lifeline'] },
  'one-command': {
    by: null,
    why: 'It has no way to start another: there is nothing to leave off.',
  },
  'job-arrives': {
    by: null,
    why: 'It is the one way to the first process: without it there is no job.',
  },
  'one-plan': { by: 'empty.other-plan', warm: true },
  'shown-again': { by: 'empty.replaced', warm: true },
  'one-tenant': { by: 'tenant.marks', under: 'reused', behind: ['emptied-scratch'] },
  'emptied-scratch': { by: 'tenant.emptied', under: 'reused' },
  'leases-end': {
    by: null,
    why: 'A job has its network and its leases by an attachment of its own, which ends with it: there is no other way to the gateway to leave on.',
  },
  'launcher-waits': {
    by: null,
    why: 'It decides when the end is told, not whether there is one: the kernel ends the pid namespace. Without it the cgroup can’t be removed yet, and that is tried again.',
  },
  'cgroup-removed': { by: 'left.anything', asRoot: true },
}

/** With all that keeps a claim left off, one of these probes of the claim says `broken`. */
export interface Shown {
  /** several, where hosts keep it by different things */
  readonly by: readonly string[]
  /** absent: `plain` */
  readonly under?: Under
  /** mechanisms of other claims that stand before it */
  readonly besides?: readonly MechanismId[]
  /** left on: without these too a launcher waits for ever, and nothing was seen */
  readonly except?: readonly MechanismId[]
  /** what is attacked has waited for its job */
  readonly warm?: true
  /** an ordinary user without cgroups has nothing of it that can be left off */
  readonly asRoot?: true
}

export const CLAIMS: Readonly<Record<RequirementId, Shown | Unseen>> = {
  'identity.unprivileged': { by: ['identity.user'] },
  'identity.own-host-uid': { by: ['identity.outside'] },
  'identity.no-new-privileges': { by: null, why: 'bubblewrap keeps both whatever it is told.' },
  'identity.no-user-namespaces': { by: ['user-namespaces.unshare'] },
  'isolation.processes': { by: ['processes.listed'] },
  'isolation.ipc': { by: ['ipc.memory'] },
  'isolation.host-name': { by: ['names.host'] },
  'isolation.cgroup-view': { by: ['names.cgroup'] },
  'isolation.no-terminal': { by: ['inherited.terminal'] },
  'isolation.nothing-inherited': { by: ['inherited.descriptors'] },
  'isolation.security-module': { by: ['security-module.label'] },
  'isolation.known-escapes': { by: null, why: 'No probe can try it: it is about versions.' },
  'files.root-read-only': { by: ['files.programs'], besides: ['landlock'] },
  'files.host-hidden': { by: ['files.canary'] },
  'files.devices': { by: ['files.host-devices'] },
  'files.proc': { by: ['proc.masked'] },
  'files.scratch-bounded': { by: ['scratch.bytes'] },
  'files.read-grants': { by: ['grants.socket'], under: 'grants' },
  'files.write-collected': { by: ['outputs.link'], under: 'grants' },
  'files.live-writes': { by: ['live.modes'], under: 'grants' },
  'files.second-wall': { by: ['second-wall.fifo'], under: 'grants' },
  'network.none': { by: ['none.tcp'] },
  'network.gateway-only': { by: ['gateway.address'], under: 'network' },
  'network.no-datagrams': { by: ['datagrams.udp'], under: 'network' },
  'network.names': { by: ['names.other-resolver'], under: 'network' },
  'network.checked-address': { by: ['addresses.private'], under: 'network' },
  'network.no-metadata': { by: ['metadata.behind-names'], under: 'network' },
  'network.no-host-services': { by: ['host.own-behind-name'], under: 'network' },
  'network.tls-name': { by: ['tls.other-name'], under: 'network' },
  'network.http-rewritten': { by: ['http.two-hosts'], under: 'network' },
  'network.inspected': { by: ['inspected.unread'], under: 'inspected' },
  'network.budgets': { by: ['budgets.upload'], under: 'network' },
  'network.recorded': { by: ['records.denied'], under: 'network' },
  'credentials.never-inside': { by: ['secrets.variables'], under: 'credentials' },
  'credentials.bound-to-host': { by: ['secrets.other-host'], under: 'credentials' },
  'credentials.no-placeholder-elsewhere': { by: ['secrets.placeholder-header'], under: 'credentials' },
  'credentials.leased': { by: ['secrets.uses'], under: 'credentials' },
  'credentials.no-reflection': { by: ['secrets.echo-body'], under: 'credentials' },
  'credentials.not-written': { by: ['secrets.report'], under: 'credentials' },
  'syscalls.profile': { by: ['calls.unknown'] },
  'syscalls.native-abi-only': { by: ['abi.int80'] },
  'syscalls.no-sockets': { by: ['no-sockets.any'], under: 'compute' },
  'syscalls.no-exec': { by: ['no-exec.execve'], under: 'compute' },
  'syscalls.lock': { by: ['lock.open'], under: 'locked' },
  'limits.memory': { by: ['memory.process'] },
  'limits.cpus': { by: ['processors.time', 'processors.affinity'], under: 'processors' },
  'limits.processes': { by: ['processes.forks'] },
  'limits.open-files': { by: ['descriptors.more'] },
  'limits.output': { by: ['output.flood'] },
  'limits.no-core-dumps': { by: ['cores.crash'] },
  'lifetime.deadline': { by: ['deadline.deaf'] },
  'lifetime.no-output': { by: ['silence.stay'] },
  'lifetime.bound-to-supervisor': { by: ['supervisor.killed'] },
  'lifetime.single-use': { by: ['next.objects'] },
  'lifetime.one-tenant': { by: ['tenant.emptied'], under: 'reused' },
  'lifetime.empty': { by: ['empty.other-plan'], warm: true },
  'lifetime.nothing-left': { by: ['left.anything'], except: ['pid-namespace'], asRoot: true },
}
