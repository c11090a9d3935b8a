/** A supervisor to be killed: a process of its own, with a launcher of its own. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { isOfEngine } from '../../boundary/index.js'
import { LaunchError } from '../../errors/index.js'
import type { Machines } from '../../host/index.js'
import type { LeftOff, Plan } from '../../plan/index.js'
import type { BoundaryName } from '../../policy/index.js'
import type { Supervisor } from '../probes/index.js'
import { family } from './host-view.js'

/** What the process is told to run; `supervisor.ts` is its program. */
export interface Supervised {
  readonly plan: Plan
  /** of `native/probe` inside */
  readonly path: string
  readonly word: string
  readonly sandboxes: number
  /** decoys, for the plan's credentials */
  readonly secrets: Readonly<Record<string, string>>
  /** see `PlanRunnerOptions` */
  readonly without: LeftOff | null
  /** as this process found it, see `hostInWorld`; `null`: it is no machine */
  readonly machines: Machines | null
}

export async function supervise(task: Supervised): Promise<Supervisor> {
  const child = fork(join(import.meta.dirname, 'supervisor.js'), [], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    cwd: '/',
    env: envFor(task.plan.boundary),
    execArgv: [],
    serialization: 'advanced',
    detached: true,
  })
  const { pid } = child
  const exited = once(child, 'exit')
  exited.catch(() => {}) // without a pid it never was
  if (pid === undefined) throw new LaunchError('verify.supervisor', 'A second supervisor did not start.')
  const launching = new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve())
    exited.then(
      () => reject(new LaunchError('verify.supervisor', 'A second supervisor ended at once.')),
      reject,
    )
  })
  launching.catch(() => {}) // who awaits it hears of it
  child.send(task)
  return {
    family: () => family(pid),
    launching,
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Of the caller's variables: where the engine is, and where files of a sandbox's own, or saved machines, lie. */
function envFor(boundary: BoundaryName): NodeJS.ProcessEnv {
  const names = isOfEngine(boundary)
    ? ['DOCKER_HOST', 'HOME', 'XDG_RUNTIME_DIR', 'XDG_STATE_HOME']
    : boundary === 'microvm'
      ? ['HOME', 'XDG_DATA_HOME']
      : []
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
}
