/** The process boundary: bubblewrap, started by cell, with the agent as first process. */
import type { HostFacts } from '../../host/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import { refusals, syscallFilter, syscallSurface } from '../../syscalls/index.js'
import type { Boundary, KernelSurface, OwnFiles, RunningSandbox, SandboxSource } from '../boundary.js'
import { answer, NETFILTER } from './answers.js'
import { Launcher } from './launcher.js'
import { requireKnown } from './mechanisms.js'
import { filterOptions, launchHead } from './request.js'
import { COVERED_BUNDLES, MASKED_PROC_FILES, MASKED_PROC_FOLDERS, SHOWN_ETC } from './root.js'
import { launchSandbox, type Said, said } from './sandbox.js'
import { unavailable } from './unavailable.js'
import { bubblewrapWords } from './words.js'

export { nativePrograms } from './native.js'
export { MASKED_PROC_FILES, MASKED_PROC_FOLDERS } from './root.js'

export const processBoundary: Boundary = {
  name: 'process',
  hostPaths: [
    ...SHOWN_ETC,
    ...Object.keys(COVERED_BUNDLES),
    ...MASKED_PROC_FILES,
    ...MASKED_PROC_FOLDERS,
    NETFILTER,
  ],
  answer,
  unavailable,
  words: (plan, host) => bubblewrapWords(plan, host),
  warnings: (plan, host) => syscallFilter(filterOptions(plan, host)).warnings,
  kernel: kernelSurface,
  refusals: (plan, host) => refusals(filterOptions(plan, host)),
  open: (host, single, inForce = InForce.all) => new ProcessSource(host, single, inForce),
}

/** What `bubblewrap --dev` makes. */
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'a private pts']

function kernelSurface(plan: Plan, host: HostFacts): KernelSurface {
  const options = filterOptions(plan, host)
  const arch = options.arch === 'arm64' ? 'arm64' : 'x86_64'
  return { shared: true, syscalls: { arch, ...syscallSurface(options) }, devices: DEVICES }
}

class ProcessSource implements SandboxSource {
  readonly #host: HostFacts
  /** a plan is immutable, so what is said for it is made once */
  readonly #said = new WeakMap<Plan, Said>()
  readonly #single: boolean
  readonly #inForce: InForce
  #launcher: Launcher
  #sandboxes = 0

  constructor(host: HostFacts, single: boolean, inForce: InForce) {
    requireKnown(inForce)
    this.#host = host
    this.#single = single
    this.#inForce = inForce
    this.#launcher = this.#newLauncher()
  }

  async launch(plan: Plan, files: OwnFiles = {}): Promise<RunningSandbox> {
    const toSay = this.#said.get(plan) ?? said(plan, this.#host, { inForce: this.#inForce })
    this.#said.set(plan, toSay)
    if (this.#launcher.ended) this.#launcher = this.#newLauncher()
    const launcher = this.#launcher
    const id = ++this.#sandboxes
    try {
      const head = launchHead(id, plan, this.#host, id, { files, inForce: this.#inForce })
      return await launchSandbox(launcher, id, head, toSay, this.#host)
    } catch (error) {
      throw launcher.damage() ?? error
    }
  }

  #newLauncher(): Launcher {
    return new Launcher(this.#host, this.#single, this.#inForce)
  }

  close(): Promise<void> {
    return this.#launcher.close()
  }
}
