/** The process boundary: bubblewrap, started by cell, with the agent as first process. */
import type { HostFacts } from '../../host/index.js'
import type { Plan } from '../../plan/index.js'
import { syscallFilter } from '../../syscalls/index.js'
import type { Boundary, RunningSandbox, SandboxSource } from '../boundary.js'
import { answer, NETFILTER } from './answers.js'
import type { AgentSettings } from './conversation.js'
import { Launcher } from './launcher.js'
import { filterOptions, launchHead, launchRequest } from './request.js'
import { MASKED_PROC_FILES, MASKED_PROC_FOLDERS, SHOWN_ETC } from './root.js'
import { agentSettings, launchSandbox } from './sandbox.js'
import { unavailable } from './unavailable.js'
import { bubblewrapWords } from './words.js'

export { nativePrograms } from './native.js'

export const processBoundary: Boundary = {
  name: 'process',
  hostPaths: [...SHOWN_ETC, ...MASKED_PROC_FILES, ...MASKED_PROC_FOLDERS, NETFILTER],
  answer,
  unavailable,
  words: bubblewrapWords,
  warnings: (plan, host) => syscallFilter(filterOptions(plan, host)).warnings,
  open: (host, single) => new ProcessSource(host, single),
}

/** To cell, and to the agent. */
interface Said {
  readonly request: Buffer
  readonly settings: AgentSettings
}

function said(plan: Plan, host: HostFacts): Said {
  return { request: launchRequest(plan, host), settings: agentSettings(plan, host) }
}

class ProcessSource implements SandboxSource {
  readonly #host: HostFacts
  /** a plan is immutable, so what is said for it is made once */
  readonly #said = new WeakMap<Plan, Said>()
  readonly #single: boolean
  #launcher: Launcher
  #sandboxes = 0

  constructor(host: HostFacts, single: boolean) {
    this.#host = host
    this.#single = single
    this.#launcher = new Launcher(host, single)
  }

  async launch(plan: Plan): Promise<RunningSandbox> {
    const { request, settings } = this.#said.get(plan) ?? said(plan, this.#host)
    this.#said.set(plan, { request, settings })
    if (this.#launcher.ended) this.#launcher = new Launcher(this.#host, this.#single)
    const launcher = this.#launcher
    const id = ++this.#sandboxes
    try {
      const head = launchHead(id, plan, this.#host, id)
      return await launchSandbox(launcher, id, head, request, settings, this.#host)
    } catch (error) {
      throw launcher.damage() ?? error
    }
  }

  close(): Promise<void> {
    return this.#launcher.close()
  }
}
