/** Which machine a plan gets. Pure. */
import type { HostFacts } from '../../host/index.js'
import type { Unanswered } from '../../plan/index.js'
import { grantsMiB } from './grants/bounds.js'
import type { Accelerator, MachineShape } from './vmm/machine.js'

const MiB = 1024 ** 2
/** What the machine's own kernel, and what it started with, takes of its memory, MiB. */
const KERNELS_OWN = 64
/** One saved machine does for all whose memory is about the same, MiB. */
const STEP = 64
/** Where no limit holds, as much as a job gets that is given none, MiB. */
const UNLIMITED = 512
/** A job with more processors' worth of time has them one after another. */
const MOST_CPUS = 8

export function shapeOf(
  { limits, network, files }: Pick<Unanswered, 'limits' | 'network' | 'files'>,
  host: HostFacts,
  accelerator: Accelerator,
): MachineShape {
  const job = limits.memoryBytes === null ? UNLIMITED : Math.ceil(limits.memoryBytes / MiB)
  const cpus = Math.ceil(Math.min(limits.cpus ?? host.cpus, host.cpus, MOST_CPUS))
  return {
    memoryMiB: Math.ceil((job + KERNELS_OWN) / STEP) * STEP + grantsMiB(files.read),
    cpus,
    accelerator,
    hasNetwork: network !== null,
  }
}
