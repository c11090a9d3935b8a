import type { RunningSandbox, SandboxSource } from '../boundary/index.js'
import type { Plan } from '../plan/index.js'
import type { JobNetwork } from './job-network.js'

/** A sandbox, and the network that it was made for. */
export interface Launched {
  readonly sandbox: RunningSandbox
  readonly network: JobNetwork | null
}

/** With what has to be in the sandbox from its first moment. `waitsMs`: as `SandboxSource.launch` */
export async function launchedWith(
  source: SandboxSource,
  plan: Plan,
  network: JobNetwork | null,
  waitsMs?: number,
): Promise<Launched> {
  // without a network, or with nothing inspected, not a turn of the loop is lost
  const files = network?.files() ?? null
  const own = files === null ? undefined : await files
  return { sandbox: await source.launch(plan, own, waitsMs), network }
}
