import type { RunningSandbox, SandboxSource } from '../boundary/index.js'
import type { Plan } from '../plan/index.js'
import type { JobNetwork, RunNetwork } from './job-network.js'

/** A sandbox, and the network that it was made for. */
export interface Launched<Network extends RunNetwork = RunNetwork> {
  readonly sandbox: RunningSandbox
  readonly network: Network | null
}

/** What sandboxes are taken from with networks that were made for them: `network` is for one that is made now. */
export interface TakenFrom extends SandboxSource {
  /** Throws LaunchError as `launch` does. */
  take(plan: Plan, network: JobNetwork | null): Promise<Launched>
}

export const isTakenFrom = (source: SandboxSource): source is TakenFrom => 'take' in source

/** With what has to be in the sandbox from its first moment. `waitsMs`: as `SandboxSource.launch` */
export async function launchedWith(
  source: SandboxSource,
  plan: Plan,
  network: JobNetwork | null,
  waitsMs?: number,
): Promise<Launched<JobNetwork>> {
  // without a network, or with nothing inspected, not a turn of the loop is lost
  const files = network?.files() ?? null
  const own = files === null ? undefined : await files
  return { sandbox: await source.launch(plan, own, waitsMs), network }
}
