/** What was made in an engine is removed: one's own at the end, and what the dead have left at the start. */
import { isGone } from '../../host/index.js'
import type { Engine } from './engine.js'
import { INSTANCE, isAbandoned, OWNER } from './owner.js'
import { isProblem } from './problems.js'
import { ROOT_LABEL } from './root-image.js'
import { endLeftovers } from './sentry.js'

/** An image that nobody has run from for so long is of a Glovebox that is no longer used, s. */
const STALE_S = 24 * 60 * 60

/** Containers whose makers are dead, and images that are no longer used. @returns how many containers there were */
export async function sweepEngine(engine: Engine, nowMs = Date.now()): Promise<number> {
  const abandoned = (await engine.containers([OWNER])).filter((each) => isAbandoned(each, nowMs, isGone))
  for (const { Id } of abandoned) {
    await engine.remove(Id)
    // of a sentry whose start failed when its maker was dead already; of another's process it is refused
    endLeftovers(Id)
  }
  for (const { Id, Created } of await engine.images([ROOT_LABEL]))
    if (nowMs / 1000 - Created > STALE_S) await removeUnused(engine, Id)
  return abandoned.length
}

/** All that one source of sandboxes has made and not removed, whether it remembers it or not. */
export async function removeAll(engine: Engine, instance: string): Promise<void> {
  const own = await engine.containers([`${INSTANCE}=${instance}`])
  await Promise.all(own.map(({ Id }) => engine.remove(Id)))
}

async function removeUnused(engine: Engine, image: string): Promise<void> {
  try {
    await engine.removeImage(image)
  } catch (error) {
    // a container of somebody's uses it, or somebody else was quicker
    if (!isProblem(error, 'docker.conflict', 'docker.gone', 'docker.noImage')) throw error
  }
}
