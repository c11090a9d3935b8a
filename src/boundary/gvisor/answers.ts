import { enforcedBy } from '../../plan/index.js'
import { type Answers, answerFrom, hostKernelAnswers } from '../answers/host-kernel-answers.js'
import { by } from '../answers/mechanisms.js'
import { sentryAnswers } from '../answers/sentry.js'
import { knownEscapesAnswer } from '../known-escapes.js'
import { boundaryPrograms } from '../programs.js'

/** What cell's way of starting it adds. */
const startedAnswers: Partial<Answers> = {
  'identity.unprivileged': () =>
    enforcedBy(
      by("uid and gid 1000 in the sentry's user namespace, no capability in any set", 'sentry-credentials'),
      by(
        'on the host the sentry is a process without capabilities over anything of the host',
        'sentry-confined',
      ),
    ),
  'identity.own-host-uid': ({ host }) =>
    host.canTakeUids
      ? enforcedBy(
          by(
            'three host uids and gids that no one else has while the sandbox lives, no supplementary groups: runsc, its gofer and the sentry are each another',
            'own-host-uid',
          ),
        )
      : enforcedBy(
          by(
            "the sentry is one of this user's subordinate ids, the gofer, which opens the sandbox's files for it, another; the caller's own is runsc's alone, without capabilities over anything of the host",
            'sentry-confined',
          ),
        ),
  'isolation.no-terminal': () =>
    enforcedBy(
      by(
        'the first process has one socket to Glovebox; the job has pipes made inside',
        'sentry',
        'own-session',
      ),
      by(
        "with --tty: a pair of the sentry's own devpts, whose other side only the first process holds",
        'own-streams',
      ),
      by('seccomp: TIOCSTI, TIOCLINUX', 'filter-terminal'),
    ),
  'isolation.known-escapes': ({ host }) =>
    knownEscapesAnswer(
      'gvisor',
      boundaryPrograms('gvisor', host),
      by('a runsc without a known escape that its configuration leaves open', 'runtime-version'),
    ),
  'files.root-read-only': () =>
    enforcedBy(
      by(
        'the sentry: a root of its own, all of it read-only; the gofer opens it read-only, too',
        'sentry-gofer',
      ),
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
        'one tmpfs of the host, with size and nr_inodes, in which the gofer opens files',
        'bounded-scratch',
        'sentry-gofer',
      ),
      by('RLIMIT_FSIZE, kept by the sentry', 'limit-file-size'),
    ),
  'network.none': () =>
    enforcedBy(
      by('the sentry has no network, in an empty network namespace', 'sentry', 'network-namespace'),
      by('seccomp, by the sentry: AF_UNIX sockets at most', 'filter-families'),
    ),
  'limits.no-core-dumps': () =>
    enforcedBy(
      by('the sentry makes none', 'sentry'),
      by(
        'RLIMIT_CORE 1 for the sentry itself, with which the kernel starts no handler either',
        'no-core-dumps',
      ),
    ),
  'lifetime.bound-to-supervisor': () =>
    enforcedBy(
      by('first process exits when its socket to the supervisor closes', 'agent-lifeline'),
      by('parent-death signals: to runsc, and from it to the gofer and the sentry', 'parent-death'),
      by('launcher ends all', 'launcher-ends-all'),
    ),
  'lifetime.nothing-left': () =>
    enforcedBy(
      by('the sentry ends with its first process, and all that ran in it', 'sentry'),
      by('launcher waits for every process and removes the cgroup', 'launcher-waits', 'cgroup-removed'),
    ),
}

export const answer = answerFrom({ ...hostKernelAnswers, ...sentryAnswers, ...startedAnswers } as Answers)
