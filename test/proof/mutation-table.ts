/** Which probe notices when a mechanism is missing; each mechanism is in one row. */
import type { MechanismId } from '../../src/boundary/process/mechanisms.js'
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
}

/** Nothing inside notices, or it can't be left off. */
export interface Unseen {
  readonly by: null
  readonly why: string
}

export type Row = Isolated | Unseen

const TO_DO: Unseen = { by: null, why: 'No probe yet.' }

export const TABLE: Readonly<Record<MechanismId, Row>> = {
  'unprivileged-ids': { by: 'looks.ids' },
  'no-capabilities': { by: 'looks.capabilities' },
  'own-host-uid': TO_DO,
  'no-new-privileges': {
    by: null,
    why: 'bubblewrap sets it whatever it is told, and nothing can take it back.',
  },
  'nosuid-mounts': {
    by: null,
    why: 'bubblewrap mounts everything nosuid whatever it is told; PR_SET_NO_NEW_PRIVS keeps the same.',
  },
  'no-user-namespaces': { by: 'looks.user-namespace', behind: ['filter-namespaces'] },

  'pid-namespace': { by: 'looks.pids' },
  'own-proc': { by: 'looks.pids' },
  'agent-not-dumpable': { by: 'looks.first-process', behind: ['landlock'] },
  'ipc-namespace': { by: 'looks.namespace-ipc' },
  'network-namespace': { by: 'looks.namespace-net' },
  'uts-namespace': { by: 'looks.namespace-uts' },
  'cgroup-namespace': { by: 'looks.namespace-cgroup' },
  'own-session': { by: 'looks.session' },
  'own-streams': { by: null, why: 'A sandbox is talked to by them: without there is none.' },
  'closed-descriptors': { by: 'looks.descriptors' },
  'empty-environment': { by: 'looks.environment' },
  'default-signals': { by: 'looks.signals' },
  'own-keyring': TO_DO,
  'reset-limits': { by: 'looks.limit-cpu' },
  'security-module': TO_DO,

  'read-only-root': { by: 'looks.new-in-root', behind: ['landlock'] },
  'own-root': { by: 'looks.root' },
  'own-etc': { by: 'looks.passwd' },
  'own-dev': { by: 'looks.devices' },
  'masked-proc': { by: 'looks.command-line' },
  'read-only-sysctl': TO_DO,
  'bounded-scratch': { by: 'looks.scratch' },
  'limit-file-size': { by: 'looks.limit-file-size' },
  'grant-without-links': TO_DO,
  'grant-read-only': TO_DO,
  'grant-nodev': TO_DO,
  'grant-idmapped': TO_DO,
  'collected-last': TO_DO,
  'checked-extractor': {
    by: null,
    why: 'It is for a first process that lies; a job has no way to make ours lie. test/boundary/hostile-agent.fuzz.test.ts has one that does.',
  },
  landlock: TO_DO,

  tproxy: TO_DO,
  'refused-datagrams': TO_DO,
  'logged-datagrams': TO_DO,
  'gateway-names': TO_DO,
  'gateway-resolves': {
    by: null,
    why: 'What is dialled is an address: there is no name left that could be looked up again.',
  },
  'gateway-addresses': TO_DO,
  'gateway-metadata': TO_DO,
  'gateway-own-addresses': TO_DO,
  'gateway-server-name': TO_DO,
  'gateway-http': TO_DO,
  'gateway-budgets': TO_DO,

  filter: { by: 'looks.key' },
  'filter-abi': { by: 'looks.int80' },
  'filter-namespaces': { by: 'looks.user-namespace', behind: ['no-user-namespaces'] },
  'filter-terminal': TO_DO,
  'filter-families': { by: 'looks.socket' },
  'filter-unix-sockets': TO_DO,
  'filter-modes': TO_DO,
  'filter-affinity': TO_DO,
  'filter-core-limit': TO_DO,
  'filter-execveat': TO_DO,
  'exec-gate': TO_DO,
  'lock-gate': TO_DO,

  'cgroup-memory': TO_DO,
  'cgroup-cpu': TO_DO,
  'cgroup-pids': TO_DO,
  'pinned-processors': TO_DO,
  'host-processors': { by: null, why: 'The machine has no more: there is nothing to leave off.' },
  'limit-processes': { by: 'looks.limit-processes' },
  'limit-open-files': { by: 'looks.limit-files' },
  'output-count': TO_DO,
  'no-core-dumps': { by: 'looks.limit-core' },

  'clock-inside': TO_DO,
  'clock-outside': TO_DO,
  'silence-clock': TO_DO,
  'agent-lifeline': TO_DO,
  'parent-death': TO_DO,
  'launcher-ends-all': TO_DO,
  'one-command': {
    by: null,
    why: 'It has no way to start another: there is nothing to leave off.',
  },
  'launcher-waits': TO_DO,
  'cgroup-removed': TO_DO,
}
