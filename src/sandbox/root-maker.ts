import type { Plan } from '../plan/index.js'
import type { RunOptions } from './options.js'

/** What has to be made before a first sandbox of the plan; `null`: nothing. What makes disks is loaded by who needs one: not by every start. */
export function rootMaker(
  { files }: Plan,
  { onPreparing }: Pick<RunOptions, 'onPreparing'>,
): ((cancel: AbortSignal) => Promise<void>) | null {
  if (files.root.kind !== 'image' || files.root.disk === null) return null
  return async (cancel) => {
    const { makeDisk } = await import('./disks.js')
    await makeDisk({ files }, onPreparing, cancel)
  }
}
