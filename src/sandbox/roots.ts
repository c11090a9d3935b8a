/** Which tree a policy's root is on this host, now. */
import { lstatSync } from 'node:fs'
import { BoundaryUnavailableError } from '../errors/index.js'
import type { HostFacts } from '../host/index.js'
import type { RootPlan } from '../plan/index.js'
import type { Policy } from '../policy/index.js'

const WRITE_BY_OTHERS = 0o002
const STICKY = 0o1000
const ENTER_AND_LIST_BY_OTHERS = 0o005

/** @throws BoundaryUnavailableError for a folder that can't be a root */
export function rootOf({ root }: Policy, host: HostFacts): RootPlan {
  if (root.kind === 'host') return root
  if (root.kind === 'image') throw new BoundaryUnavailableError('root.notYet', 'There are no images yet.')
  requireUsable(root.path, host)
  return root
}

function requireUsable(path: string, { canTakeUids }: HostFacts): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory() !== true)
    throw new BoundaryUnavailableError(
      'root.gone',
      `The root ${path} is no folder any more.`,
      'It was one when the policy was read.',
    )
  if ((found.mode & WRITE_BY_OTHERS) !== 0 && (found.mode & STICKY) === 0)
    throw new BoundaryUnavailableError(
      'root.writable',
      `Everybody on this host may write to the root ${path}: the job's programs would be anybody's.`,
      `\`chmod o-w ${path}\`, once you know what is in it.`,
    )
  if (canTakeUids && (found.mode & ENTER_AND_LIST_BY_OTHERS) !== ENTER_AND_LIST_BY_OTHERS)
    throw new BoundaryUnavailableError(
      'root.closed',
      `The root ${path} is closed to others, and started by root a job is somebody else.`,
      `\`chmod o+rx ${path}\`; the folder that it lies in may stay closed.`,
    )
}

export function sameRoot(a: RootPlan, b: RootPlan): boolean {
  return a.kind === b.kind && (a.kind !== 'image' || (b.kind === 'image' && a.digest === b.digest))
}
