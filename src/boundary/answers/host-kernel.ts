/** What a sandbox sees of this host's own kernel, whichever program makes its wall. */
import type { HostFacts } from '../../host/index.js'
import type { Plan } from '../../plan/index.js'
import { syscallSurface } from '../../syscalls/index.js'
import type { KernelSurface } from '../boundary.js'
import { COVERED_BUNDLES, MASKED_PROC_FILES, MASKED_PROC_FOLDERS, SHOWN_ETC } from '../root/shown.js'
import { filterOptions } from './filter.js'
import { NETFILTER } from './network.js'

/** Paths of the host that decide what is shown and what is covered. */
export const HOST_PATHS: readonly string[] = [
  ...SHOWN_ETC,
  ...Object.keys(COVERED_BUNDLES),
  ...MASKED_PROC_FILES,
  ...MASKED_PROC_FOLDERS,
  NETFILTER,
]

/** What bubblewrap and the runtimes put into a /dev. */
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'a private pts']

export function kernelSurface(plan: Plan, host: HostFacts): KernelSurface {
  const options = filterOptions(plan, host)
  const arch = options.arch === 'arm64' ? 'arm64' : 'x86_64'
  return { shared: true, syscalls: { arch, ...syscallSurface(options) }, devices: DEVICES }
}
