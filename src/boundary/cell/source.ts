import { LaunchError } from '../../errors/index.js'
import type { HostFacts } from '../../host/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import { requireLeavable } from '../answers/mechanisms.js'
import type { OwnFiles, RunningSandbox, SandboxSource } from '../boundary.js'
import { Launcher, type Program } from './launcher.js'
import { launchHead } from './request.js'
import { launchSandbox, type Said, said } from './sandbox.js'
import type { WallProgram } from './wall-program.js'

/** Sandboxes that cell starts, by one program. */
export class CellSource implements SandboxSource {
  readonly #program: WallProgram
  readonly #host: HostFacts
  /** a plan is immutable, so what is said for it is made once */
  readonly #said = new WeakMap<Plan, Said>()
  readonly #single: boolean
  readonly #inForce: InForce
  #launcher: Launcher
  #sandboxes = 0
  #isClosed = false

  /** as `Boundary.open` */
  constructor(program: WallProgram, host: HostFacts, single: boolean, inForce: InForce = InForce.all) {
    requireLeavable(inForce, program.keeps)
    this.#program = program
    this.#host = host
    this.#single = single
    this.#inForce = inForce
    this.#launcher = this.#newLauncher()
  }

  async launch(plan: Plan, files: OwnFiles = {}): Promise<RunningSandbox> {
    const toSay = this.#said.get(plan) ?? said(plan, this.#host, this.#program, { inForce: this.#inForce })
    this.#said.set(plan, toSay)
    if (this.#isClosed)
      throw new LaunchError('launch.closed', 'No sandbox is started any more: it is being closed.')
    if (this.#launcher.ended) this.#launcher = this.#newLauncher()
    const launcher = this.#launcher
    const id = ++this.#sandboxes
    try {
      const head = launchHead(id, plan, this.#host, id, { files, inForce: this.#inForce })
      return await launchSandbox(launcher, id, head, toSay)
    } catch (error) {
      throw launcher.damage() ?? error
    }
  }

  #newLauncher(): Launcher {
    return new Launcher(this.#host, told(this.#program, this.#host), this.#single, this.#inForce)
  }

  close(): Promise<void> {
    this.#isClosed = true
    return this.#launcher.close()
  }
}

/** What a launcher is started with for a program. */
export function told(program: WallProgram, host: HostFacts): Program {
  return { option: program.option, path: program.path(host), more: program.more(host) }
}
