/**
 * A granted tree, gone through by descriptors: each name is opened below the folder that is held, and no link is followed, so that
 * who can rename something in the tree leads nobody out of it.
 */
import {
  closeSync,
  constants,
  type Dir,
  fstatSync,
  opendirSync,
  openSync,
  readlinkSync,
  type Stats,
} from 'node:fs'
import { setImmediate as breath } from 'node:timers/promises'
import { LaunchError, visible } from '../../../errors/index.js'
import { isOfKernel } from '../../../policy/index.js'
import type { Owned } from '../guest/steps.js'
import { type HeldGrant, heldAt, O_PATH } from './held.js'

/** Of a path below a grant, bytes; the kernel takes 4095, and where it is put comes before. */
const LONGEST_PATH = 3500
/** A descriptor is held for each. */
const DEEPEST = 128
/** So many entries are looked at before anything else of this process has its turn. */
const AT_ONCE = 64
/** In the machine: the owner of what is granted is the job, as on every boundary; all others are nobody. */
const NOBODY = 65534

/** Who the job is in the machine. */
export interface Viewer {
  readonly uid: number
  readonly gid: number
}

/** Paths are below the grant, and begin with a slash; the grant itself has none, and comes first. */
export type Entry =
  | { readonly kind: 'folder'; readonly path: Buffer; readonly owned: Owned; readonly bytes: 0 }
  | { readonly kind: 'link'; readonly path: Buffer; readonly target: Buffer; readonly bytes: number }
  | {
      readonly kind: 'file'
      readonly path: Buffer
      readonly owned: Owned
      /** 0 where the job may not read it */
      readonly bytes: number
      /** held until the next entry is asked for */
      readonly descriptor: number
    }

interface Going {
  readonly viewer: Viewer
  readonly grant: HeldGrant
  seen: number
}

/** Devices, sockets and fifos are left out: each would lead to somebody of the host's. @throws LaunchError */
export async function* entriesOf(grant: HeldGrant, viewer: Viewer): AsyncGenerator<Entry> {
  yield* entry(grant.descriptor, grant.stats, [], { viewer, grant, seen: 0 })
}

async function* entry(
  descriptor: number,
  stats: Stats,
  names: readonly Buffer[],
  going: Going,
): AsyncGenerator<Entry> {
  if (++going.seen % AT_ONCE === 0) await breath()
  const path = pathOf(names, going)
  const owned = seenAs(stats, going)
  if (stats.isFile()) {
    const bytes = may(READ, owned, going.viewer) ? stats.size : 0
    yield { kind: 'file', path, owned, bytes, descriptor }
  } else if (stats.isDirectory()) {
    requireFiles(descriptor, stats, path, going)
    const enters = may(ENTER, owned, going.viewer)
    const listed = enters ? listing(descriptor) : null
    try {
      yield { kind: 'folder', path, owned: enters && listed === null ? closed(owned) : owned, bytes: 0 }
      if (listed !== null) yield* below(descriptor, listed, names, going)
    } finally {
      listed?.closeSync()
    }
  }
}

async function* below(
  folder: number,
  listed: Dir,
  names: readonly Buffer[],
  going: Going,
): AsyncGenerator<Entry> {
  const seen = new Set<string>()
  for (let name = nextName(listed); name !== null; name = nextName(listed)) {
    const key = name.toString('latin1')
    // in a folder that changes meanwhile the same name may come again
    if (seen.has(key)) continue
    seen.add(key)
    yield* named(folder, [...names, name], going)
  }
}

/** What is gone by now is not there. */
async function* named(folder: number, names: readonly Buffer[], going: Going): AsyncGenerator<Entry> {
  const at = Buffer.concat([Buffer.from(`${heldAt(folder)}/`), names.at(-1) ?? Buffer.alloc(0)])
  const descriptor = openedOrGone(at)
  if (descriptor === null) return
  try {
    const stats = fstatSync(descriptor)
    if (!stats.isSymbolicLink()) return yield* entry(descriptor, stats, names, going)
    const target = targetOf(at)
    if (target !== null) yield { kind: 'link', path: pathOf(names, going), target, bytes: target.length }
  } finally {
    closeSync(descriptor)
  }
}

function openedOrGone(at: Buffer): number | null {
  try {
    return openSync(at, O_PATH | constants.O_NOFOLLOW)
  } catch (error) {
    if (isOneOf(error, ['ENOENT', 'EACCES', 'ESTALE'])) return null
    throw error
  }
}

/** EINVAL: it is no link any more. */
function targetOf(at: Buffer): Buffer | null {
  try {
    return readlinkSync(at, 'buffer')
  } catch (error) {
    if (isOneOf(error, ['ENOENT', 'EINVAL', 'ESTALE'])) return null
    throw error
  }
}

/** `null`: this user may not look into it, and so the job may not. */
function listing(folder: number): Dir | null {
  try {
    // Node takes it, and its types do not know
    return opendirSync(heldAt(folder), { encoding: 'buffer' as BufferEncoding })
  } catch (error) {
    if (isOneOf(error, ['EACCES', 'EPERM'])) return null
    throw error
  }
}

function nextName(listed: Dir): Buffer | null {
  const found = listed.readSync()
  return found === null ? null : (found.name as unknown as Buffer)
}

export const isOneOf = (error: unknown, codes: readonly string[]) =>
  codes.includes((error as NodeJS.ErrnoException).code ?? '')

function pathOf(names: readonly Buffer[], { grant }: Going): Buffer {
  const path = Buffer.concat(names.flatMap((name) => [SLASH, name]))
  if (path.length <= LONGEST_PATH && names.length <= DEEPEST) return path
  throw new LaunchError(
    'launch.grants',
    `${visible(grant.grant.host)} has something that lies too deep to be copied into a virtual machine: ${visible(path.toString().slice(0, 200))} …`,
    'Grant the folder in which the job’s files are.',
  )
}

const SLASH = Buffer.from('/')

/** What else is mounted below a grant is granted with it; a chroot's /proc would show the host's processes. */
function requireFiles(descriptor: number, { dev }: Stats, path: Buffer, { grant }: Going): void {
  if (dev === grant.stats.dev || !isOfKernel(heldAt(descriptor))) return
  throw new LaunchError(
    'launch.grant',
    `A file system of the kernel (proc, sysfs …) is mounted below the granted path: ${visible(grant.grant.host + path.toString())}.`,
    'Grant the folders beside it.',
  )
}

function seenAs({ mode, uid, gid }: Stats, { grant, viewer }: Going): Owned {
  return {
    // no setuid or setgid bit of the host's means anything there
    mode: mode & 0o777,
    uid: uid === grant.stats.uid ? viewer.uid : NOBODY,
    gid: gid === grant.stats.gid ? viewer.gid : NOBODY,
  }
}

/** What this user may not look into, the job may not. */
export const closed = (owned: Owned): Owned => ({ ...owned, mode: owned.mode & 0o222 })

const [READ, ENTER] = [4, 1]

/** As the machine's kernel will have it: what the job may not read does not leave the host. */
function may(right: number, { mode, uid, gid }: Owned, viewer: Viewer): boolean {
  const shift = uid === viewer.uid ? 6 : gid === viewer.gid ? 3 : 0
  return ((mode >> shift) & right) !== 0
}
