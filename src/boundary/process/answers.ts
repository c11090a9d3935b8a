import { enforcedBy } from '../../plan/index.js'
import { bubblewrapEscapes } from '../answers/bubblewrap-escapes.js'
import { answerFrom, hostKernelAnswers, type WallAnswers } from '../answers/host-kernel-answers.js'
import { by } from '../answers/mechanisms.js'

/** What bubblewrap does about what no other part of the start does. */
const bubblewrapAnswers: WallAnswers = {
  'identity.unprivileged': () =>
    enforcedBy(
      by('uid and gid 1000 in a user namespace of its own', 'unprivileged-ids'),
      by('bubblewrap drops every capability', 'no-capabilities'),
    ),
  'identity.no-user-namespaces': () =>
    enforcedBy(
      by('max_user_namespaces is 0 inside (bubblewrap --disable-userns)', 'no-user-namespaces'),
      by('seccomp: clone flags, clone3, unshare', 'filter-namespaces'),
    ),
  'isolation.known-escapes': ({ host }) => bubblewrapEscapes(host),
  'files.root-read-only': () =>
    enforcedBy(by('bubblewrap: a root of its own (pivot_root), bound read-only', 'read-only-root')),
  'files.devices': () => enforcedBy(by('bubblewrap --dev, read-only; devpts of its own', 'own-dev')),
  'lifetime.bound-to-supervisor': () =>
    enforcedBy(
      by('first process exits when its socket to the supervisor closes', 'agent-lifeline'),
      by('a parent-death signal from bubblewrap to it', 'parent-death'),
      by('launcher ends all', 'launcher-ends-all'),
    ),
}

export const answer = answerFrom({ ...hostKernelAnswers, ...bubblewrapAnswers })
