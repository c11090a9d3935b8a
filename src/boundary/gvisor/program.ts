/** gVisor's runsc, as what a worker of cell becomes. */
import type { HostFacts } from '../../host/index.js'
import type { InForce, Plan } from '../../plan/index.js'
import { tasksOfSentry } from '../answers/sentry.js'
import { clean } from '../cell/failure.js'
import { isNetworked } from '../cell/request.js'
import type { WallProgram } from '../cell/wall-program.js'
import { KEPT_BY_BUNDLE } from '../oci/config.js'
import { bundleFrames } from '../oci/frames.js'
import { boundPaths } from '../oci/layer.js'
import { mappers } from '../oci/mappers.js'
import { isSystrapRelease } from '../runsc-words.js'
import { gvisorConfig, OWN_POINTS } from './config.js'

/** Where cell puts the bundle, and where runsc keeps its state: on a file system that ends with the worker. */
const BUNDLE = '/sys/b'

export const gvisor: WallProgram = {
  option: '--sentry',
  path: (host) => host.runtimes().runsc.path ?? '/usr/bin/runsc',
  more: mappers,
  frames: (plan, host, inForce) =>
    bundleFrames(plan, host, inForce, {
      argv: runscWords(plan, host, inForce),
      config: gvisorConfig(plan, host, inForce),
      ids: 2,
      points: OWN_POINTS,
      bound: boundPaths(plan, host),
    }),
  tasks: (processes, host) => tasksOfSentry(processes, host.cpus),
  ownKernel: true,
  carried: true,
  network: 'beyond',
  filterByAgent: true,
  keeps: [
    ...[
      ...KEPT_BY_BUNDLE,
      'no-user-namespaces' as const,
      'masked-proc' as const,
      'read-only-sysctl' as const,
    ],
    ...(['ipc-namespace', 'uts-namespace', 'cgroup-namespace'] as const),
  ],
  failure(said) {
    const [, message] =
      /^(?:FATAL ERROR: )?(?:running container|starting container|creating container): (.*)$/m.exec(said) ??
      []
    if (message === undefined) return null
    return {
      what: `runsc could not start the sandbox: ${clean(message)}.`,
      get: '`glovebox doctor` looks for what this host is missing.',
    }
  },
}

/** See docs/gvisor.md for each. */
export function runscWords(plan: Plan, host: HostFacts, inForce: InForce): string[] {
  const { version } = host.runtimes().runsc
  const network = isNetworked(plan, inForce) ? 'sandbox' : 'none'
  return [
    'runsc',
    ...[`--root=${BUNDLE}/state`, '--ignore-cgroups', `--network=${network}`],
    ...['--overlay2=none', '--host-uds=none', '--host-fifo=none'],
    ...(isSystrapRelease(version) ? NEWER : OLDER),
    ...['run', '--bundle', BUNDLE, 'job'],
  ]
}

const OLDER = ['--platform=ptrace']
const NEWER = ['--platform=systrap', '--directfs=false']
