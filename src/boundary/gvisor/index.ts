/** The gVisor boundary: a kernel of the sandbox's own, runsc's sentry, started by cell, with the agent as first process. */
import { refusals, syscallFilter } from '../../syscalls/index.js'
import { filterOptions } from '../answers/filter.js'
import { HOST_PATHS, kernelSurface } from '../answers/host-kernel.js'
import { SENTRY_DEVICES } from '../answers/sentry.js'
import type { Boundary } from '../boundary.js'
import { CellSource } from '../cell/source.js'
import { answer } from './answers.js'
import { gvisorConfig } from './config.js'
import { gvisor } from './program.js'
import { unavailable } from './unavailable.js'

export const gvisorBoundary: Boundary = {
  name: 'gvisor',
  hostPaths: HOST_PATHS,
  answer,
  unavailable,
  words: (plan, host) => JSON.stringify(gvisorConfig(plan, host), null, 2).split('\n'),
  warnings: (plan, host) => syscallFilter(filterOptions(plan, host)).warnings,
  // the calls that reach the sentry: it makes fewer of this kernel's
  kernel: (plan, host) => ({ ...kernelSurface(plan, host), shared: false, devices: SENTRY_DEVICES }),
  refusals: (plan, host) => refusals(filterOptions(plan, host)),
  open: (host, single, inForce) => new CellSource(gvisor, host, single, inForce),
}
