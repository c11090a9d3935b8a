import type { HostFacts } from '../../host/index.js'
import { type Answer, enforcedBy, impossible, type Means, type RequirementId } from '../../plan/index.js'
import type { Question } from '../boundary.js'
import { NFTABLES_ADVICE } from './advice.js'
import { confinement } from './confinement.js'
import { limitsAnswers } from './limits-answers.js'
import { by } from './mechanisms.js'
import { secondWall } from './wall.js'

/** There on every kernel with netfilter. */
export const NETFILTER = '/proc/net/netfilter'

const BWRAP_ROOT = 'bubblewrap: a root of its own (pivot_root), bound read-only'

/** Whether it has nftables too, its modules may say only when they are asked for; then the start fails. */
function withNftables(host: HostFacts, first: Means, ...more: Means[]): Answer {
  return host.paths[NETFILTER] === undefined
    ? impossible('This kernel was built without netfilter.', NFTABLES_ADVICE)
    : enforcedBy(first, ...more)
}

type Answers = { readonly [Id in RequirementId]: (question: Question) => Answer }

/** What the process boundary does about each requirement. A missing line does not compile. */
const answers: Answers = {
  'identity.unprivileged': () =>
    enforcedBy(
      by('uid and gid 1000 in a user namespace of its own', 'unprivileged-ids'),
      by('bubblewrap drops every capability', 'no-capabilities'),
    ),
  'identity.own-host-uid': ({ host }) =>
    host.canTakeUids
      ? enforcedBy(
          by(
            'a host uid and gid that no one else has while the sandbox lives, no supplementary groups',
            'own-host-uid',
          ),
        )
      : enforcedBy(
          by(
            "the caller's own uid without capabilities: only mounts and namespaces keep its files apart",
            'no-capabilities',
            'own-root',
          ),
        ),
  'identity.no-new-privileges': () =>
    enforcedBy(by('PR_SET_NO_NEW_PRIVS', 'no-new-privileges'), by('every mount nosuid', 'nosuid-mounts')),
  'identity.no-user-namespaces': () =>
    enforcedBy(
      by('max_user_namespaces is 0 inside (bubblewrap --disable-userns)', 'no-user-namespaces'),
      by('seccomp: clone flags, clone3, unshare', 'filter-namespaces'),
    ),
  'isolation.processes': () =>
    enforcedBy(
      by('pid namespace', 'pid-namespace'),
      by('/proc of that namespace', 'own-proc'),
      by('first process not dumpable', 'agent-not-dumpable'),
    ),
  'isolation.ipc': () =>
    enforcedBy(
      by('ipc namespace', 'ipc-namespace'),
      by('network namespace (abstract sockets)', 'network-namespace'),
    ),
  'isolation.host-name': () => enforcedBy(by('uts namespace', 'uts-namespace')),
  'isolation.cgroup-view': () => enforcedBy(by('cgroup namespace', 'cgroup-namespace')),
  'isolation.no-terminal': () =>
    enforcedBy(
      by('setsid, and pipes made for this sandbox', 'own-session', 'own-streams'),
      by(
        "with --tty: a pair of the sandbox's own devpts, whose other side only the first process holds",
        'own-streams',
      ),
      by('seccomp: TIOCSTI, TIOCLINUX', 'filter-terminal'),
    ),
  'isolation.nothing-inherited': () =>
    enforcedBy(
      by(
        'cell: close_range, empty environment, default signals, new session keyring, fixed rlimits',
        'closed-descriptors',
        'empty-environment',
        'default-signals',
        'own-keyring',
        'reset-limits',
      ),
    ),
  'isolation.security-module': ({ host }) => confinement(host),
  'files.root-read-only': () => enforcedBy(by(BWRAP_ROOT, 'read-only-root')),
  'files.host-hidden': () =>
    enforcedBy(
      by('mount namespace with a root of its own', 'own-root'),
      by('own passwd, group, hosts, resolv.conf', 'own-etc'),
    ),
  'files.devices': () => enforcedBy(by('bubblewrap --dev, read-only; devpts of its own', 'own-dev')),
  'files.proc': () =>
    enforcedBy(
      by('procfs of the pid namespace', 'own-proc'),
      by('masked files, read-only /proc/sys', 'masked-proc', 'read-only-sysctl'),
    ),
  'files.scratch-bounded': () =>
    enforcedBy(
      by('one tmpfs with size and nr_inodes', 'bounded-scratch'),
      by('RLIMIT_FSIZE', 'limit-file-size'),
    ),
  'files.read-grants': ({ host }) =>
    enforcedBy(
      by(
        'openat2 without symlinks, detached mount: read-only, nosuid, nodev',
        'grant-without-links',
        'grant-read-only',
        'grant-nodev',
      ),
      by('seccomp: no Unix socket that could connect to one in a granted folder', 'filter-unix-sockets'),
      ...grantedTo(host),
    ),
  'files.write-collected': () =>
    enforcedBy(
      by('collected by the first process after all others died', 'collected-last'),
      by('checked extractor', 'checked-extractor'),
    ),
  'files.live-writes': ({ host }) =>
    enforcedBy(
      by('openat2 without symlinks, detached mount: nosuid, nodev', 'grant-without-links', 'grant-nodev'),
      by('seccomp: no setuid or setgid bit in any call that sets a mode, no device node', 'filter-modes'),
      by('seccomp: no Unix socket that could connect to one in a granted folder', 'filter-unix-sockets'),
      ...grantedTo(host),
    ),
  'files.second-wall': ({ host }) => secondWall(host),
  'network.none': () =>
    enforcedBy(
      by('empty network namespace, loopback down', 'network-namespace'),
      by('seccomp: AF_UNIX sockets only', 'filter-families'),
    ),
  'network.gateway-only': ({ host }) =>
    withNftables(
      host,
      by(
        'network namespace with nothing but lo, in which every address is local: TPROXY gives every port to one socket, which the gateway holds',
        'network-namespace',
        'tproxy',
      ),
      by('seccomp: TCP and UDP sockets only', 'filter-families'),
    ),
  'network.no-datagrams': ({ host }) =>
    withNftables(
      host,
      by(
        'nftables rejects all but questions to the resolver, before they leave the socket',
        'refused-datagrams',
      ),
      by('network namespace with nothing but lo', 'network-namespace'),
      by('seccomp: no raw, ping or packet socket', 'filter-families'),
    ),
  'network.names': () =>
    enforcedBy(
      by(
        'the only name server is the gateway, which answers by itself with addresses that stand for names',
        'network-namespace',
        'gateway-names',
      ),
    ),
  'network.checked-address': () =>
    enforcedBy(
      by(
        'the gateway resolves the name once, classifies every address, and dials one that passed',
        'gateway-resolves',
        'gateway-addresses',
      ),
    ),
  'network.no-metadata': () =>
    enforcedBy(
      by(
        'the gateway classifies every address; no rule opens these',
        'gateway-metadata',
        'gateway-addresses',
      ),
    ),
  'network.no-host-services': () =>
    enforcedBy(
      by(
        "the gateway classifies every address, this host's own included",
        'gateway-own-addresses',
        'gateway-addresses',
      ),
    ),
  'network.tls-name': () =>
    enforcedBy(by('the gateway reads the ClientHello before it dials', 'gateway-server-name')),
  'network.http-rewritten': () =>
    enforcedBy(
      by('the gateway parses each request and writes its own', 'gateway-http'),
      by('the gateway holds the method and the path of each to the rule', 'gateway-requests'),
    ),
  'network.inspected': () =>
    enforcedBy(
      by('the gateway ends TLS, and lets none by that a rule inspects', 'gateway-inspects'),
      by('an authority made for this sandbox, whose key is in the gateway alone', 'gateway-authority'),
      by(
        "the gateway verifies the host's certificate before it sends anything, by the authorities of this host",
        'gateway-certificates',
      ),
      by('the gateway holds each request inside to the rule', 'gateway-requests'),
    ),
  'network.budgets': () => enforcedBy(by('the gateway counts', 'gateway-budgets')),
  'network.recorded': () =>
    enforcedBy(
      by('TPROXY: the gateway accepts every connection', 'tproxy'),
      by('netfilter logs refused datagrams; of a flood the first 256, then 64 a second', 'logged-datagrams'),
    ),
  'credentials.never-inside': () =>
    enforcedBy(
      by(
        'placeholders in the job’s environment; values go to the gateway by a socket without a name',
        'credential-placeholders',
      ),
    ),
  'credentials.bound-to-host': () =>
    enforcedBy(
      by(
        'the gateway puts a value into requests that fit its credential, and into no other',
        'credential-hosts',
        'credential-methods',
        'credential-paths',
      ),
      by('TLS ends in the gateway, which verified the host before', 'credential-tls', 'gateway-certificates'),
      by(
        'what the job has in the place of a value is taken off, and a signature with other keys refused',
        'credential-alone',
        'credential-signatures',
      ),
    ),
  'credentials.no-placeholder-elsewhere': () =>
    enforcedBy(
      by(
        'the gateway looks for placeholders and values, wrapped as they may be, in heads and bodies of every request',
        'credential-heads',
        'credential-bodies',
      ),
      by('a placeholder that is not of this sandbox is refused as such', 'credential-foreign'),
    ),
  'credentials.leased': () =>
    enforcedBy(
      by(
        'leases in the gateway, which counts uses and time, and drops the value',
        'credential-time',
        'credential-uses',
        'credential-revocation',
      ),
      by('requests under way are closed', 'credential-streams'),
    ),
  'credentials.no-reflection': () =>
    enforcedBy(
      by(
        'the gateway looks for values in heads and bodies of answers, unpacked',
        'credential-answer-heads',
        'credential-answer-bodies',
        'credential-unpacking',
      ),
    ),
  'credentials.not-written': () =>
    enforcedBy(
      by('the gateway takes values out of what it tells', 'credential-records'),
      by('so does whoever writes reports, errors and messages', 'credential-reports'),
    ),
  'syscalls.profile': () =>
    enforcedBy(by('seccomp filter, set before the first instruction of the job', 'filter')),
  'syscalls.native-abi-only': () => enforcedBy(by('seccomp filter kills the process', 'filter-abi')),
  'syscalls.no-sockets': () => enforcedBy(by('seccomp filter: no family at all', 'filter-families')),
  'syscalls.no-exec': () =>
    enforcedBy(
      by(
        'seccomp: execve asks the first process of the sandbox, which answers once and closes its end for good',
        'exec-gate',
      ),
      by('seccomp: no execveat', 'filter-execveat'),
    ),
  'syscalls.lock': () =>
    enforcedBy(
      by(
        'seccomp: these calls ask the first process of the sandbox, which closes its end for good when the job says so',
        'lock-gate',
      ),
    ),
  ...limitsAnswers,
  'lifetime.deadline': () =>
    enforcedBy(
      by('a clock in the first process', 'clock-inside'),
      by('a second clock in the supervisor', 'clock-outside'),
    ),
  'lifetime.no-output': () => enforcedBy(by('a clock in the supervisor', 'silence-clock')),
  'lifetime.bound-to-supervisor': () =>
    enforcedBy(
      by('first process exits when its socket to the supervisor closes', 'agent-lifeline'),
      by('a parent-death signal from bubblewrap to it', 'parent-death'),
      by('launcher ends all', 'launcher-ends-all'),
    ),
  'lifetime.single-use': () =>
    enforcedBy(by('the first process starts one command and exits', 'one-command')),
  'lifetime.nothing-left': () =>
    enforcedBy(
      by('the kernel ends a pid namespace with its first process', 'pid-namespace'),
      by('launcher waits for every process and removes the cgroup', 'launcher-waits', 'cgroup-removed'),
    ),
}

function grantedTo(host: HostFacts): Means[] {
  if (host.canIdmap)
    return [by("idmapped from the owner of the granted path to the sandbox's uid", 'grant-idmapped')]
  return host.canTakeUids
    ? [by('shown under their own owners: the job is everyone else there', 'own-host-uid')]
    : []
}

export function answer(question: Question): Answer {
  return answers[question.requirement.id](question)
}
