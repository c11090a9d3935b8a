/** The process boundary: bubblewrap, started by cell, with the agent as first process. */
import type { HostFacts } from '../../host/index.js'
import type { Plan } from '../../plan/index.js'
import { syscallFilter } from '../../syscalls/index.js'
import type { Boundary, RunningSandbox, SandboxSource } from '../boundary.js'
import { answer } from './answers.js'
import { Launcher } from './launcher.js'
import { filterOptions, launchHead, launchRequest } from './request.js'
import { MASKED_PROC_FILES, MASKED_PROC_FOLDERS, SHOWN_ETC } from './root.js'
import { launchSandbox } from './sandbox.js'
import { unavailable } from './unavailable.js'
import { bubblewrapWords } from './words.js'

export { nativeProgram } from './native.js'

export const processBoundary: Boundary = {
  name: 'process',
  hostPaths: [...SHOWN_ETC, ...MASKED_PROC_FILES, ...MASKED_PROC_FOLDERS],
  answer,
  unavailable,
  words: bubblewrapWords,
  warnings: (plan, host) => syscallFilter(filterOptions(plan, host)).warnings,
  open: (host, single) => new ProcessSource(host, single),
}

class ProcessSource implements SandboxSource {
  readonly #host: HostFacts
  /** a plan is immutable, so its request is made once */
  readonly #requests = new WeakMap<Plan, Buffer>()
  readonly #single: boolean
  #launcher: Launcher
  #sandboxes = 0

  constructor(host: HostFacts, single: boolean) {
    this.#host = host
    this.#single = single
    this.#launcher = new Launcher(host, single)
  }

  launch(plan: Plan): Promise<RunningSandbox> {
    const request = this.#requests.get(plan) ?? launchRequest(plan, this.#host)
    this.#requests.set(plan, request)
    if (this.#launcher.ended) this.#launcher = new Launcher(this.#host, this.#single)
    const id = ++this.#sandboxes
    return launchSandbox(this.#launcher, id, launchHead(id, plan, this.#host, id), request, plan, this.#host)
  }

  close(): Promise<void> {
    return this.#launcher.close()
  }
}
