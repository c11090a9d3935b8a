/** The process boundary: bubblewrap, started by cell, with the agent as first process. */
import { refusals, syscallFilter } from '../../syscalls/index.js'
import { filterOptions } from '../answers/filter.js'
import { HOST_PATHS, kernelSurface } from '../answers/host-kernel.js'
import type { Boundary } from '../boundary.js'
import { CellSource } from '../cell/source.js'
import { answer } from './answers.js'
import { bubblewrap } from './program.js'
import { unavailable } from './unavailable.js'
import { bubblewrapWords } from './words.js'

export { type Besides, bubblewrapWith } from './program.js'

export const processBoundary: Boundary = {
  name: 'process',
  hostPaths: HOST_PATHS,
  answer,
  unavailable,
  words: (plan, host) => bubblewrapWords(plan, host),
  warnings: (plan, host) => syscallFilter(filterOptions(plan, host)).warnings,
  kernel: kernelSurface,
  refusals: (plan, host) => refusals(filterOptions(plan, host)),
  open: (host, single, inForce) => new CellSource(bubblewrap, host, single, inForce),
}
