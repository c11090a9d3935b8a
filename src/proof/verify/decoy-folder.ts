/** The folder of a verification's decoys: made by its outer process, used by the inner one, and gone whatever happens to either. */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { LaunchError, visible } from '../../errors/index.js'
import { abandoned, note, strike } from '../../sandbox/index.js'

/** Names a folder that was made already, by a process that removes it however this one ends. */
const FOLDER_VARIABLE = 'GLOVEBOX_DECOYS'
/** Where it is noted that there is such a folder; empty: nowhere. */
const NOTE_VARIABLE = 'GLOVEBOX_DECOYS_NOTE'

/** As src/sandbox/staging.ts leaves them to us. */
const NAME = /^glovebox-verify-[0-9a-f]{8}$/

/** Whose entries anybody may make, and nobody but us may replace. */
const FOR_ALL = 0o1777

/** unix(7): with its end, a path of a socket has this many bytes at most */
const MAX_SOCKET = 108

const PARTS = ['granted', 'live'] as const

export interface DecoyFolder {
  readonly path: string
  /** its maker's environment for whoever removes it first */
  readonly handedOn: Readonly<Record<string, string>>
  remove(): void
}

/** `entry`: of the journal. */
function folderAt(path: string, entry: string | null): DecoyFolder {
  return {
    path,
    handedOn: { [FOLDER_VARIABLE]: path, [NOTE_VARIABLE]: entry ?? '' },
    remove() {
      removeFolder(path)
      strike(entry)
    },
  }
}

/** The one that was handed on, or one of our own. The variables are believed in a world only, where nobody else sets them. */
export function enteredFolder(inWorld: boolean): DecoyFolder {
  const { [FOLDER_VARIABLE]: path, [NOTE_VARIABLE]: entry } = process.env
  delete process.env[FOLDER_VARIABLE]
  delete process.env[NOTE_VARIABLE]
  return inWorld && path !== undefined ? folderAt(path, entry || null) : makeFolder()
}

/** Folders for grants. */
export const grantedIn = (folder: string) => ({
  granted: join(folder, 'granted'),
  live: join(folder, 'live'),
})

/** @throws LaunchError when there can be none */
export function makeFolder(): DecoyFolder {
  sweepFolders()
  const random = randomBytes(8).toString('hex')
  const path = join(usable(tmpdir()), `glovebox-verify-${random.slice(0, 8)}`)
  const entry = note(path, random)
  try {
    for (const each of [path, ...Object.values(grantedIn(path))]) {
      mkdirSync(each, { mode: 0o700 })
      chmodSync(each, FOR_ALL)
    }
  } catch (error) {
    removeFolder(path)
    strike(entry)
    throw unusable(tmpdir(), `a folder can't be made there (${(error as NodeJS.ErrnoException).code})`)
  }
  return folderAt(path, entry)
}

/** Where decoys can lie: their paths are words of attempts and names of sockets, and no sandbox shows them. */
function usable(folder: string): string {
  let real: string
  try {
    real = realpathSync(folder)
  } catch (error) {
    throw unusable(folder, `it can't be entered (${(error as NodeJS.ErrnoException).code})`)
  }
  if (/[^!-+\--~]/.test(real))
    throw unusable(real, 'its path has a comma, a space or another character that probes do not take')
  if (Buffer.byteLength(join(real, 'glovebox-verify-00000000/granted/socket')) >= MAX_SOCKET)
    throw unusable(real, 'its path is too long for that of a socket')
  if (/^\/usr(\/|$)/.test(real)) throw unusable(real, 'every sandbox shows /usr')
  return real
}

function unusable(folder: string, why: string): LaunchError {
  return new LaunchError(
    'verify.noFolder',
    `Nothing was verified: decoys can't be laid in ${visible(folder) || 'an empty path'}: ${why}.`,
    'Name another folder: TMPDIR=/tmp.',
  )
}

/**
 * Anybody may write to it: no folder is looked into that is not the very one that we made, nor below it, where a link could be
 * put in its place.
 */
export function removeFolder(path: string): void {
  try {
    const folder = opened(path)
    try {
      for (const part of PARTS) emptied(`${at(folder)}/${part}`)
      for (const name of readdirSync(at(folder))) removeOne(join(at(folder), name))
    } finally {
      closeSync(folder)
    }
    rmdirSync(path)
  } catch {
    // it is gone, or holds what is not ours
  }
}

function emptied(path: string): void {
  try {
    const folder = opened(path)
    try {
      for (const name of readdirSync(at(folder))) removeOne(join(at(folder), name))
    } finally {
      closeSync(folder)
    }
  } catch {
    // it was never made
  }
}

function removeOne(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    try {
      rmdirSync(path)
    } catch {
      // not empty: it is somebody else's
    }
  }
}

const at = (folder: number) => `/proc/self/fd/${folder}`

function opened(path: string): number {
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  if (fstatSync(folder).uid === process.geteuid?.()) return folder
  closeSync(folder)
  throw new Error(`${path} is not the folder that was made`)
}

/** Folders of verifications that were killed with all that could have removed them. */
function sweepFolders(): void {
  for (const [entry, path] of abandoned()) {
    if (!NAME.test(basename(path))) continue
    removeFolder(path)
    strike(entry)
  }
}
