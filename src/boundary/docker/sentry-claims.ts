/** What is done about each requirement where the engine's runtime is gVisor's runsc: the sentry's part, and the engine's beside it. */
import { type Answer, absent, enforcedBy, impossible } from '../../plan/index.js'
import { type Answers, answerFrom } from '../answers/host-kernel-answers.js'
import { by } from '../answers/mechanisms.js'
import { sentryAnswers } from '../answers/sentry.js'
import type { Question } from '../boundary.js'
import { knownEscapesAnswer } from '../known-escapes.js'
import { boundaryPrograms } from '../programs.js'
import { isWithoutNetwork } from '../runsc-words.js'
import { engineAnswers } from './claims.js'
import { asContained, engineIn } from './host.js'

const identity = {
  'identity.unprivileged': () =>
    enforcedBy(
      by('an own uid and gid in the sentry, no capability in any set', 'sentry-credentials'),
      by(
        'on the host the sentry is a process without capabilities over anything of the host',
        'sentry-confined',
      ),
    ),
  'identity.own-host-uid': () =>
    absent(
      "No process of the job's is one of this host's. What answers its calls, the sentry, is nobody (65534) here, in a user namespace of its own, as of every container of this engine's runsc; what opens files for it, the gofer, is root in the sandbox's mounts alone.",
    ),
} as const

const isolation = {
  'isolation.known-escapes': ({ host }: Question) =>
    knownEscapesAnswer(
      'docker+runsc',
      boundaryPrograms('docker+runsc', host),
      by(
        'an engine, a containerd, a runc and a runsc without a known escape that this configuration leaves open',
        'runtime-version',
      ),
    ),
  'isolation.no-terminal': () =>
    enforcedBy(
      by(
        "the first process has pipes of the engine's, and a key for what it says there; the job has pipes made inside",
        'own-session',
        'own-streams',
        'sealed-streams',
      ),
      by(
        "with --tty: a pair of the sentry's own devpts, whose other side only the first process holds",
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
    ),
} as const

const files = {
  'files.root-read-only': ({ host }: Question) =>
    enforcedBy(
      by('the sentry: a root of its own, all of it read-only', 'sentry-gofer'),
      host.uid === 0
        ? by('cell: read-only in the gofer’s mounts, too', 'read-only-root')
        : by('Docker: ReadonlyRootfs, and every bind read-only', 'read-only-root'),
    ),
  'files.host-hidden': () =>
    enforcedBy(
      by(
        'the sentry can open no file of the host: the gofer does, and sees the root of the sandbox alone',
        'sentry-gofer',
        'own-root',
      ),
      by('own passwd, group, hosts, resolv.conf', 'own-etc'),
    ),
  'files.scratch-bounded': () =>
    enforcedBy(
      by(
        'a tmpfs of this kernel for each folder, with size and nr_inodes: half of the bound for the work directory’s, the rest for the others in equal parts',
        'bounded-scratch',
        'sentry-gofer',
      ),
      by('RLIMIT_FSIZE, kept by the sentry', 'limit-file-size'),
    ),
  'files.read-grants': ({ host }: Question) =>
    enforcedBy(
      by(
        host.uid === 0
          ? 'opened without following links, and compared by inode with what the gofer has before the job starts; read-only binds'
          : 'opened without following links; read-only binds (that the engine followed the same path only root can check)',
        'grant-without-links',
        'grant-read-only',
      ),
      host.uid === 0
        ? by('nosuid and nodev, by cell in the gofer’s mounts', 'grant-nodev')
        : by('the sentry has no device and no setuid program of the host', 'sentry'),
      by('no Unix socket of the host can be reached', 'sentry-gofer'),
      by('shown under their own owners: the job reads what everyone may', 'own-host-uid'),
    ),
} as const

const NO_NETWORK = "The Docker Engine's runtime runsc is started with --network=none."

const network = {
  'network.none': () =>
    enforcedBy(
      by('a network namespace with lo alone, and a stack of the sentry’s own', 'sentry', 'network-namespace'),
      by('seccomp, by the sentry: AF_UNIX sockets at most', 'filter-families'),
    ),
  'network.gateway-only': (question: Question): Answer => {
    if (isWithoutNetwork(engineIn(question.host)?.runsc?.args ?? []))
      return impossible(
        NO_NETWORK,
        'Take that word out of /etc/docker/daemon.json, `systemctl reload docker`; docs/docker.md says which runsc can then be started on which kernel.',
      )
    if (question.host.uid !== 0) return engineAnswers['network.gateway-only'](question)
    return sentryAnswers['network.gateway-only'](question)
  },
} as const

const limits = {
  'limits.no-core-dumps': () => enforcedBy(by('the sentry makes none', 'sentry')),
} as const

const lifetime = {
  'lifetime.nothing-left': () =>
    enforcedBy(
      by('the sentry ends with its first process, and all that ran in it', 'sentry'),
      by(
        'the engine removes the container, its scratch and its cgroup, which is waited for',
        'launcher-waits',
        'cgroup-removed',
      ),
    ),
} as const

const answerInSentry = answerFrom({
  ...engineAnswers,
  ...sentryAnswers,
  ...identity,
  ...isolation,
  ...files,
  ...network,
  'limits.memory': engineAnswers['limits.memory'],
  ...limits,
  ...lifetime,
} as Answers)

export const sentryAnswer = (question: Question): Answer =>
  answerInSentry({ ...question, host: asContained(question.host) })
