/** What a plan grants for reading, held from the moment it is looked at: what is copied is what was checked, wherever its path leads meanwhile. */
import { closeSync, constants, fstatSync, openSync, readlinkSync, type Stats } from 'node:fs'
import { LaunchError, visible } from '../../../errors/index.js'
import type { Grant } from '../../../policy/index.js'

/** open(2); Node has no name for it */
export const O_PATH = 0o10000000

export interface HeldGrant {
  readonly grant: Grant
  /** opened as a path alone */
  readonly descriptor: number
  readonly stats: Stats
  readonly isFile: boolean
}

/** A descriptor's own place: it is followed to what is held and nowhere else. */
export const heldAt = (descriptor: number) => `/proc/self/fd/${descriptor}`

/** To be given to {@link release}. @throws LaunchError when something else is at one of the places now */
export function holdGrants(grants: readonly Grant[]): HeldGrant[] {
  const held: HeldGrant[] = []
  try {
    for (const grant of grants) held.push(hold(grant))
    return held
  } catch (error) {
    release(held)
    throw error
  }
}

export function release(grants: readonly HeldGrant[]): void {
  for (const { descriptor } of grants) closeSync(descriptor)
}

/** Policies name canonical paths. A link on the way now was put there since: refused, not followed. */
function hold(grant: Grant): HeldGrant {
  const descriptor = opened(grant)
  const stats = fstatSync(descriptor)
  const now = readlinkSync(heldAt(descriptor))
  if (now === grant.host && (stats.isFile() || stats.isDirectory()))
    return { grant, descriptor, stats, isFile: stats.isFile() }
  closeSync(descriptor)
  throw replaced(grant, now === grant.host ? 'is neither a file nor a folder' : `leads to ${visible(now)}`)
}

function opened(grant: Grant): number {
  try {
    return openSync(grant.host, O_PATH | constants.O_NOFOLLOW)
  } catch (error) {
    throw replaced(grant, `can't be opened (${(error as NodeJS.ErrnoException).code})`)
  }
}

const replaced = ({ host }: Grant, how: string) =>
  new LaunchError(
    'launch.grant',
    `${visible(host)} ${how} now: it can't be copied into the machine.`,
    'The granted path was replaced since the policy was read, or cannot be opened by this user.',
  )
