import { enforcedBy } from '../../plan/index.js'
import { answerFrom, hostKernelAnswers, type WallAnswers } from '../answers/host-kernel-answers.js'
import { by } from '../answers/mechanisms.js'
import { knownEscapesAnswer } from '../known-escapes.js'
import { boundaryPrograms } from '../programs.js'

/** What runc does about what no other part of the start does. */
const runcAnswers: WallAnswers = {
  'identity.unprivileged': () =>
    enforcedBy(
      by(
        "uid and gid 1000 in a user namespace of its own; the container's root is nobody's",
        'unprivileged-ids',
      ),
      by('runc drops every capability, from the bounding set too', 'no-capabilities'),
    ),
  'identity.no-user-namespaces': () =>
    enforcedBy(
      by('max_user_namespaces is 1 around the container, which is that one', 'no-user-namespaces'),
      by('seccomp: clone flags, clone3, unshare', 'filter-namespaces'),
    ),
  'isolation.known-escapes': ({ host }) =>
    knownEscapesAnswer(
      'runc',
      boundaryPrograms('runc', host),
      by('a runc without a known escape that its configuration leaves open', 'runtime-version'),
    ),
  'files.root-read-only': () =>
    enforcedBy(by('runc: a root of its own (pivot_root), read-only, all binds read-only', 'read-only-root')),
  'files.devices': () =>
    enforcedBy(
      by('a /dev of six devices made by cell, bound read-only and nosuid; devpts of its own', 'own-dev'),
    ),
  'lifetime.bound-to-supervisor': () =>
    enforcedBy(
      by('first process exits when its socket to the supervisor closes', 'agent-lifeline'),
      by('a parent-death signal from cell to it', 'parent-death'),
      by('launcher ends all', 'launcher-ends-all'),
    ),
}

export const answer = answerFrom({ ...hostKernelAnswers, ...runcAnswers })
