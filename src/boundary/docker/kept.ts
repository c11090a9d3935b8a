/**
 * What a test can't leave off where an engine makes the container: it would see no difference, and call it noticed by nobody. Cell and the
 * first process are those that ship, so what they alone do stays, too.
 */
import type { MechanismId } from '../answers/mechanisms.js'
import { KEPT_BY_BUNDLE } from '../oci/config.js'
import type { RuntimeName } from './create-body.js'

const KEPT: readonly MechanismId[] = [
  ...KEPT_BY_BUNDLE,
  ...(['ipc-namespace', 'uts-namespace', 'network-namespace', 'bounded-scratch', 'own-host-uid'] as const),
  ...([
    'agent-not-dumpable',
    'own-session',
    'own-streams',
    'closed-descriptors',
    'empty-environment',
  ] as const),
  ...(['default-signals', 'own-keyring', 'reset-limits', 'grant-without-links', 'grant-idmapped'] as const),
  ...(['tproxy', 'refused-datagrams', 'logged-datagrams', 'pinned-processors', 'clock-inside'] as const),
  ...(['agent-lifeline', 'parent-death', 'launcher-ends-all', 'launcher-waits', 'one-command'] as const),
  'cgroup-removed',
]

/** The sentry does these by itself, or has nothing that they would do. */
const KEPT_BY_SENTRY: readonly MechanismId[] = [
  ...(['cgroup-namespace', 'masked-proc', 'read-only-sysctl', 'no-user-namespaces'] as const),
  ...(['landlock', 'security-module'] as const),
]

export const keptBy = (runtime: RuntimeName): readonly MechanismId[] =>
  runtime === 'runsc' ? [...KEPT, ...KEPT_BY_SENTRY] : KEPT
