/** The runc boundary: an OCI container, started by cell, with the agent as first process. */
import { refusals, syscallFilter } from '../../syscalls/index.js'
import { filterOptions } from '../answers/filter.js'
import { HOST_PATHS, kernelSurface } from '../answers/host-kernel.js'
import type { Boundary } from '../boundary.js'
import { CellSource } from '../cell/source.js'
import { ociConfig } from '../oci/config.js'
import { answer } from './answers.js'
import { runc } from './program.js'
import { unavailable } from './unavailable.js'

export const runcBoundary: Boundary = {
  name: 'runc',
  hostPaths: HOST_PATHS,
  answer,
  unavailable,
  words: (plan, host) => JSON.stringify(ociConfig(plan, host), null, 2).split('\n'),
  warnings: (plan, host) => syscallFilter(filterOptions(plan, host)).warnings,
  kernel: kernelSurface,
  refusals: (plan, host) => refusals(filterOptions(plan, host)),
  open: (host, single, inForce) => new CellSource(runc, host, single, inForce),
}
