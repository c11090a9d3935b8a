/** An engine is asked once who it is; and what the dead have left in it is removed. */
import { randomUUID } from 'node:crypto'
import type { HostFacts } from '../../host/index.js'
import type { InForce } from '../../plan/index.js'
import { removeAll, sweepEngine } from './cleanup.js'
import type { RuntimeName } from './create-body.js'
import { DEFAULT_SOCKET, Engine } from './engine.js'
import { ownFilesPlace, sweepFolders } from './own-files.js'
import type { Room } from './prepare.js'
import { isProblem } from './problems.js'
import { sweepStarts } from './starts.js'
import { traitsOf } from './traits.js'

/** @throws LaunchError */
export async function enter(host: HostFacts, runtime: RuntimeName, inForce: InForce): Promise<Room> {
  const engine = await Engine.at(host.engine?.kind === 'here' ? host.engine.socket : DEFAULT_SOCKET)
  const [version, info] = await Promise.all([engine.version(), engine.info()])
  const traits = traitsOf(engine.api, version, info)
  const place = ownFilesPlace(host.uid, process.env)
  // beside the first start; tried again at the next one
  void sweepEngine(engine)
    .then(() => {
      sweepFolders(place)
      if (host.uid === 0) sweepStarts()
    })
    .catch(() => {})
  return { engine, runtime, traits, host, instance: randomUUID(), place, inForce }
}

export async function leave({ engine, instance }: Room): Promise<void> {
  try {
    await removeAll(engine, instance)
  } catch (error) {
    // an engine that is gone has ended them, or does when it comes back; of one that hangs the start has said so, and the next start removes them
    if (!isProblem(error, 'docker.noEngine', 'docker.lost', 'docker.timeout')) throw error
  }
}
