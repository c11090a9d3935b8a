/** What is done about each requirement where an engine makes the wall. The kernel is this host's, and pid 1 is the agent, as elsewhere. */
import { type Answer, absent, enforcedBy, impossible, type RequirementId } from '../../plan/index.js'
import { type Answers, answerFrom, hostKernelAnswers } from '../answers/host-kernel-answers.js'
import { by } from '../answers/mechanisms.js'
import type { Question } from '../boundary.js'
import { knownEscapesAnswer } from '../known-escapes.js'
import { boundaryPrograms } from '../programs.js'
import { asContained, engineIn } from './host.js'

const identity = {
  'identity.unprivileged': ({ host }: Question) =>
    enforcedBy(
      engineIn(host)?.usernsRemap
        ? by("uid and gid 1000 in the engine's user namespace", 'unprivileged-ids')
        : by('an own uid and gid instead of 0, on the host as inside', 'unprivileged-ids'),
      by('Docker drops every capability, from the bounding set too', 'no-capabilities'),
    ),
  'identity.own-host-uid': ({ host }: Question) =>
    engineIn(host)?.usernsRemap
      ? enforcedBy(
          by(
            "an id of the engine's own range, which is nobody's on the host and shared with its other containers",
            'own-host-uid',
          ),
        )
      : enforcedBy(
          by(
            "a uid and gid that no one else has: drawn from those that are nobody's; the container's name is made from it, which an engine gives once",
            'own-host-uid',
          ),
        ),
  'identity.no-new-privileges': ({ host }: Question) =>
    enforcedBy(
      by('PR_SET_NO_NEW_PRIVS, by the engine and by the first process', 'no-new-privileges'),
      by(host.uid === 0 ? 'every mount nosuid, by cell' : 'scratch nosuid', 'nosuid-mounts'),
    ),
  'identity.no-user-namespaces': () =>
    enforcedBy(by('seccomp: clone flags, clone3, unshare', 'filter-namespaces')),
} as const

const isolation = {
  'isolation.known-escapes': ({ host }: Question) =>
    knownEscapesAnswer(
      'docker',
      boundaryPrograms('docker', host),
      by(
        'an engine, a containerd and a runc without a known escape that this configuration leaves open',
        'runtime-version',
      ),
    ),
  'isolation.ipc': () =>
    enforcedBy(
      by('ipc namespace', 'ipc-namespace'),
      by('network namespace (abstract sockets)', 'network-namespace'),
    ),
  'isolation.no-terminal': () =>
    enforcedBy(
      by('setsid, and streams that the first process makes inside', 'own-session', 'own-streams'),
      by(
        "with --tty: a pair of the sandbox's own devpts, whose other side only the first process holds",
        'own-streams',
      ),
      by('seccomp: TIOCSTI, TIOCLINUX', 'filter-terminal'),
    ),
  'isolation.nothing-inherited': () =>
    enforcedBy(
      by(
        'the engine starts it, not the caller; its first process closes every descriptor, and sets environment, signals and limits',
        'closed-descriptors',
        'empty-environment',
        'default-signals',
        'reset-limits',
      ),
      by('a session keyring of the container', 'own-keyring'),
    ),
  'isolation.security-module': ({ host }: Question) => securityModule(host),
} as const

function securityModule(host: Question['host']): Answer {
  const options = engineIn(host)?.securityOptions ?? []
  if (options.includes('apparmor'))
    return enforcedBy(by("AppArmor, by the engine's own profile docker-default", 'security-module'))
  if (options.includes('selinux'))
    return enforcedBy(by("SELinux, by the engine's own domain for containers", 'security-module'))
  return absent('The Docker Engine runs here without AppArmor or SELinux.')
}

const files = {
  'files.host-hidden': ({ host }: Question) =>
    enforcedBy(
      by(
        host.uid === 0
          ? 'mount namespace with a root of its own; its list of mounts names where the engine keeps images, and grants'
          : 'mount namespace with a root of its own; its list of mounts names where the engine keeps images, grants, and where files of the sandbox’s own lie',
        'own-root',
      ),
      by('own passwd, group, hosts, resolv.conf', 'own-etc'),
    ),
  'files.root-read-only': () =>
    enforcedBy(by('Docker: ReadonlyRootfs, and every bind read-only with all below it', 'read-only-root')),
  'files.devices': () =>
    enforcedBy(
      by('Docker: a /dev with the six default devices and a device cgroup; devpts of its own', 'own-dev'),
      by('seccomp: no device node', 'filter-modes'),
    ),
  'files.scratch-bounded': ({ host }: Question) =>
    enforcedBy(
      by(
        host.uid === 0
          ? 'one tmpfs with size and nr_inodes'
          : 'a tmpfs for each folder with size and nr_inodes: half of the bound for the work directory’s, the rest for the others in equal parts',
        'bounded-scratch',
      ),
      by('RLIMIT_FSIZE', 'limit-file-size'),
    ),
  'files.read-grants': ({ host }: Question) =>
    enforcedBy(
      by(
        host.uid === 0
          ? 'opened without following links, and compared by inode with what the container shows before the job starts; read-only binds'
          : 'opened without following links; read-only binds (that the engine followed the same path only root can check)',
        'grant-without-links',
        'grant-read-only',
      ),
      host.uid === 0
        ? by('nosuid and nodev, by cell', 'grant-nodev')
        : by(
            'no_new_privs and a device cgroup, where root has the mounts nosuid and nodev',
            'no-new-privileges',
            'own-dev',
          ),
      by('seccomp: no Unix socket that could connect to one in a granted folder', 'filter-unix-sockets'),
      by('shown under their own owners: the job reads what everyone may', 'own-host-uid'),
    ),
  'files.live-writes': () =>
    impossible(
      'An engine shows a folder under its own owners alone, and the job is nobody there: what it wrote would be a stranger’s.',
      'Collect it when the job ends (a write grant without `live: true`), or use `boundary: process` or `boundary: runc`.',
    ),
} as const

const NOT_ROOT = 'Only root can make a network in a container of an engine, and hold its sockets.'

/** As root by cell, in the container's namespace; the rest is the gateway's, and the same everywhere. */
function networked(id: Extract<RequirementId, `network.${string}`>) {
  return (question: Question): Answer =>
    question.host.uid === 0
      ? hostKernelAnswers[id](question)
      : impossible(
          NOT_ROOT,
          'Run it as root, or use `boundary: runc` or `boundary: process`, which give an ordinary user one.',
        )
}

const network = {
  'network.none': (question: Question) => {
    const answer = hostKernelAnswers['network.none'](question)
    if (answer.kind !== 'enforced') return answer
    const [, ...more] = answer.by
    return enforcedBy(by('network namespace with lo alone', 'network-namespace'), ...more)
  },
  'network.gateway-only': networked('network.gateway-only'),
} as const

const LIMITS = { 'limits.memory': 'memory', 'limits.cpus': 'cpu', 'limits.processes': 'pids' } as const

function limited(id: keyof typeof LIMITS) {
  return (question: Question): Answer =>
    question.host.cgroups.controllers.includes(LIMITS[id])
      ? hostKernelAnswers[id](question)
      : impossible(
          question.host.cgroups.missing,
          `The kernel needs the ${LIMITS[id]} controller; or leave the control off knowingly with \`--waive ${id}\`.`,
        )
}

const lifetime = {
  'lifetime.single-use': () =>
    enforcedBy(
      by('the first process starts one command and exits', 'one-command'),
      by('a scratch of its own, which ends with it', 'bounded-scratch'),
      by('ipc namespace', 'ipc-namespace'),
      by('a session keyring of the container, and seccomp refuses keys', 'own-keyring', 'filter'),
    ),
  'lifetime.bound-to-supervisor': ({ host }: Question) =>
    enforcedBy(
      by('first process exits when its streams to the supervisor end', 'agent-lifeline'),
      ...(host.uid === 0
        ? [by('cell holds it, and kills it when the supervisor is gone', 'launcher-ends-all')]
        : []),
    ),
  'lifetime.nothing-left': () =>
    enforcedBy(
      by('the kernel ends a pid namespace with its first process', 'pid-namespace'),
      by(
        'the engine removes the container and its cgroup, which is waited for',
        'launcher-waits',
        'cgroup-removed',
      ),
    ),
} as const

/** With the engine's own runtime, runc; of another the engine's part. */
export const engineAnswers: Answers = {
  ...hostKernelAnswers,
  ...identity,
  ...isolation,
  ...files,
  ...network,
  'limits.memory': limited('limits.memory'),
  'limits.cpus': limited('limits.cpus'),
  'limits.processes': limited('limits.processes'),
  ...lifetime,
}

const answerContained = answerFrom(engineAnswers)

export const answer = (question: Question): Answer =>
  answerContained({ ...question, host: asContained(question.host) })
