/**
 * What is done about each requirement where cell starts the sandbox, the agent is its first process and the kernel is this host's: the same
 * whichever program makes the wall between. What that program does is the boundary's own to say.
 */
import type { HostFacts } from '../../host/index.js'
import { type Answer, enforcedBy, impossible, type Means, type RequirementId } from '../../plan/index.js'
import { confinement } from '../agent/confinement.js'
import { secondWall } from '../agent/wall.js'
import type { Question } from '../boundary.js'
import { credentialAnswers } from './credentials.js'
import { openedMechanisms } from './filter-parts.js'
import { limitsAnswers } from './limits.js'
import { by } from './mechanisms.js'
import { networkAnswers } from './network.js'

/** What only the program that makes the wall can answer for. */
export type WallRequirement =
  | 'identity.unprivileged'
  | 'identity.no-user-namespaces'
  | 'isolation.known-escapes'
  | 'files.root-read-only'
  | 'files.devices'
  | 'lifetime.bound-to-supervisor'

type Answering<Id extends RequirementId> = { readonly [Each in Id]: (question: Question) => Answer }
/** A missing line does not compile. */
export type Answers = Answering<RequirementId>
export type WallAnswers = Answering<WallRequirement>

export const hostKernelAnswers: Answering<Exclude<RequirementId, WallRequirement>> = {
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
  'files.host-hidden': () =>
    enforcedBy(
      by('mount namespace with a root of its own', 'own-root'),
      by('own passwd, group, hosts, resolv.conf', 'own-etc'),
    ),
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
  ...networkAnswers,
  ...credentialAnswers,
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
  'lifetime.single-use': () =>
    enforcedBy(
      by('the first process starts one command and exits', 'one-command'),
      by('a scratch of its own, which ends with it', 'bounded-scratch'),
      by('ipc namespace', 'ipc-namespace'),
      by('new session keyring, and seccomp refuses keys', 'own-keyring', 'filter'),
    ),
  'lifetime.one-tenant': ({ plan }) => oneTenant(plan),
  'lifetime.empty': () => enforcedBy(...emptyBy),
  'lifetime.nothing-left': () =>
    enforcedBy(
      by('the kernel ends a pid namespace with its first process', 'pid-namespace'),
      by('launcher waits for every process and removes the cgroup', 'launcher-waits', 'cgroup-removed'),
    ),
}

/** The same wherever commands run one after another. */
function oneTenant(plan: Question['plan']): Answer {
  // of any plan: what the key means that is not written
  const isClean = plan?.lifetime.reuse?.scratch !== 'keep'
  return enforcedBy(
    by('used again by runs of its own tenant and plan alone', 'one-tenant'),
    by(
      'the first process ends every process of a command before it says that it has ended',
      'collected-last',
    ),
    by('leases, connections and streams end with each command', 'leases-end'),
    ...(isClean
      ? [by('scratch folders and objects of System V are emptied between two commands', 'emptied-scratch')]
      : []),
  )
}

/** The same wherever it waits. */
export const emptyBy = [
  by(
    'the command, its variables, inputs, streams and network come with the job, over the channel that the first process alone has',
    'job-arrives',
  ),
  by('one that waited is taken by one run, of the same plan', 'one-plan', 'one-command'),
  by('what it shows is looked at again when it is taken', 'shown-again'),
] as const

function grantedTo(host: HostFacts): Means[] {
  if (host.canIdmap)
    return [by("idmapped from the owner of the granted path to the sandbox's uid", 'grant-idmapped')]
  return host.canTakeUids
    ? [by('shown under their own owners: the job is everyone else there', 'own-host-uid')]
    : []
}

export function answerFrom(answers: Answers): (question: Question) => Answer {
  return (question) => {
    const { requirement, plan } = question
    return withoutOpened(answers[requirement.id](question), plan?.syscalls.allow ?? [])
  }
}

/** What the policy opens keeps nothing. Where it is all that there is, the policy is refused before, see `promised.ts`. */
function withoutOpened(answer: Answer, allowed: readonly string[]): Answer {
  if (answer.kind !== 'enforced' || allowed.length === 0) return answer
  const opened = openedMechanisms(allowed)
  const [first, ...more] = answer.by.filter(({ mechanisms }) => !mechanisms.some((id) => opened.has(id)))
  return first === undefined
    ? impossible(`The policy allows ${allowed.join(', ')}.`, 'Remove from `syscalls.allow` what breaks it.')
    : enforcedBy(first, ...more)
}
