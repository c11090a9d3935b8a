/**
 * What is to be mounted, held from the moment it is looked at. An engine is told a path, and follows it later, as root: whoever can
 * rename something on the way could lead it anywhere meanwhile. (A descriptor can't be told: a mount of another namespace
 * is not bound, `/proc/PID/fd/N` is EINVAL.) So it is looked at again in the container, before the job starts there.
 */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs'
import { LaunchError, visible } from '../../errors/index.js'
import type { Shown } from './root.js'

/** open(2); Node has no name for it */
const O_PATH = 0o10000000

export interface HeldSource {
  readonly shown: Shown
  /** its inode is not given to anything else while it is held */
  readonly found: BigIntStats
  release(): void
}

/** The source's path is canonical, with no link in it. @throws LaunchError when there is one now, or nothing is there */
export function holdSource(shown: Shown): HeldSource {
  const { source } = shown
  let descriptor: number
  try {
    descriptor = openSync(source, O_PATH | constants.O_NOFOLLOW)
  } catch (error) {
    throw moved(source, `can't be opened (${(error as NodeJS.ErrnoException).code})`)
  }
  let held = true
  const release = () => {
    if (held) closeSync(descriptor)
    held = false
  }
  const now = readlinkSync(`/proc/self/fd/${descriptor}`)
  if (now === source) return { shown, found: fstatSync(descriptor, { bigint: true }), release }
  release()
  throw moved(source, `leads to ${visible(now)} now`)
}

/**
 * `pid`: of the container's first process, or of a sentry's gofer, as the host numbers it. `false`: this user may not look into a container, so nothing is
 * known. @throws LaunchError when something else is there
 */
export function requireShown({ shown, found }: HeldSource, pid: number): boolean {
  try {
    if (isShown(`/proc/${pid}/root`, shown.inside, found)) return true
  } catch (error) {
    if (['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
  }
  throw moved(shown.source, 'is not what the container shows')
}

/**
 * A link of the container's that leads to `/srv` leads, by this path, to the host's: where the source may well be. So each step is taken by
 * itself, and none through a link.
 */
function isShown(root: string, inside: string, { dev, ino }: BigIntStats): boolean {
  const steps = [openSync(root, O_PATH)]
  try {
    for (const name of inside.split('/').filter(Boolean))
      steps.push(openSync(`/proc/self/fd/${steps.at(-1)}/${name}`, O_PATH | constants.O_NOFOLLOW))
    const there = fstatSync(steps.at(-1) ?? -1, { bigint: true })
    return there.dev === dev && there.ino === ino
  } finally {
    for (const step of steps) closeSync(step)
  }
}

const moved = (source: string, what: string) =>
  new LaunchError(
    'launch.grant',
    `${visible(source)} ${what}.`,
    'Somebody changed the way there meanwhile. Nobody but those whom you trust should be able to.',
  )
