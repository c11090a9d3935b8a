/**
 * The microvm boundary: a virtual machine for one job, gone on with where one was saved, whose VMM is the one command of a sandbox of the
 * process boundary.
 */

import type { HostFacts } from '../../host/index.js'
import { InForce } from '../../plan/index.js'
import { refusals, syscallFilter } from '../../syscalls/index.js'
import { filterOptions } from '../answers/filter.js'
import { HOST_PATHS, kernelSurface } from '../answers/host-kernel.js'
import type { Boundary } from '../boundary.js'
import { CellSource } from '../cell/source.js'
import { bubblewrapWith } from '../process/index.js'
import { acceleratorWarnings, devicesOf, expectedAccelerator } from './accelerator.js'
import { answer } from './answers.js'
import { kernelFacts } from './kernel.js'
import { shapeOf } from './shape.js'
import { MachineSource } from './source.js'
import { unavailable } from './unavailable.js'
import type { Accelerator } from './vmm/machine.js'
import { restoreWords } from './vmm/qemu.js'

export const microvmBoundary: Boundary = {
  name: 'microvm',
  hostPaths: HOST_PATHS,
  answer,
  unavailable,
  words: (plan, host) =>
    restoreWords(
      host.machines().qemu.path ?? 'qemu-system-x86_64',
      shapeOf(plan, host, expectedAccelerator(host)),
    ),
  warnings: (plan, host) => [
    ...syscallFilter(filterOptions(plan, kernelFacts(host, ''))).warnings,
    ...acceleratorWarnings(host),
  ],
  kernel: (plan, host) => ({ ...kernelSurface(plan, host), shared: false }),
  // of the machine's kernel: an ordinary user's host may lack what that one has
  refusals: (plan, host) => refusals(filterOptions(plan, kernelFacts(host, ''))),
  open: (host, _single, inForce = InForce.all) =>
    new MachineSource(
      host,
      // of one run, too, there may be two: where no machine was saved, one is, in a jail of its own
      (accelerator) => new CellSource(jailProgram(host, accelerator), host, false),
      inForce,
    ),
}

/** Its uid is nobody's, and so in no group: that of /dev/kvm it is given, and no other device is there. */
function jailProgram(host: HostFacts, accelerator: Accelerator) {
  const { group } = host.machines().kvm
  const devices = ['/dev/net/tun', ...devicesOf(accelerator)]
  return bubblewrapWith({ devices, group: accelerator === 'kvm' ? group : null })
}
