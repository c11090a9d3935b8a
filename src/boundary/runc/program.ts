/** runc, as what a worker of cell starts. */
import { clean } from '../cell/failure.js'
import type { WallProgram } from '../cell/wall-program.js'
import { KEPT_BY_BUNDLE, KEPT_DESCRIPTORS } from '../oci/config.js'
import { runtimeFrames } from '../oci/frames.js'
import { mappers } from '../oci/mappers.js'

/** Where cell puts the bundle, and where runc keeps its state: on a file system that ends with the worker. */
const BUNDLE = '/sys/b'

/** runc(8). It is gone as soon as the container runs: whoever holds the sandbox is cell's worker. */
const ARGV = [
  'runc',
  ...['--root', `${BUNDLE}/state`, 'run', '--detach'],
  ...['--bundle', BUNDLE, '--pid-file', `${BUNDLE}/pid`],
  ...['--preserve-fds', `${KEPT_DESCRIPTORS}`],
  'job',
]

const DOCTOR = '`glovebox doctor` looks for what this host is missing.'

export const runc: WallProgram = {
  option: '--oci',
  path: (host) => host.runtimes().runc.path ?? '/usr/sbin/runc',
  more: mappers,
  frames: (plan, host, inForce) => runtimeFrames(plan, host, ARGV, inForce),
  tasks: (processes) => processes + 2,
  ownKernel: false,
  carried: false,
  network: 'here',
  filterByAgent: true,
  keeps: KEPT_BY_BUNDLE,
  failure(said) {
    const messages = [...said.matchAll(/level=(?:error|fatal) msg="((?:[^"\\]|\\.)*)"/g)]
    const last = messages.at(-1)?.[1]
    if (last === undefined)
      return /^cell: runtime: /m.test(said)
        ? { what: 'runc ended before its container ran, and did not say why.', get: DOCTOR }
        : null
    return {
      what: `runc could not start the sandbox: ${clean(last.replace(/^runc run failed: /, ''))}.`,
      get: DOCTOR,
    }
  },
}
