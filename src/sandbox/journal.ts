/**
 * What this process makes on disk that is not yet anybody's result, one small file each, written before the thing exists and
 * removed after it is gone. A process that is killed leaves its files here; the next start finds them, and the things.
 *
 * A file's name says whose it is (`BOOT.PIDNS.PID.STARTED.RANDOM`), its content is the thing's path.
 */
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { isGone, ownMark } from '../host/index.js'

/** A mark, and what tells the things of one process apart. */
const NAME = /^(.+)\.[0-9a-f]{16}$/

/** A file in the journal, or that there is no place for one: then nothing is swept, and nothing else is different. */
export type Entry = string | null

/** The first place that is this user's alone is written to; all of them are read. */
function places(): string[] {
  const { HOME, XDG_STATE_HOME, TMPDIR } = process.env
  const uid = process.geteuid?.() ?? 0
  const state = XDG_STATE_HOME || (HOME ? `${HOME}/.local/state` : '')
  const lasting = uid === 0 ? '/var/lib' : state
  const found = lasting.startsWith('/') ? [join(lasting, 'glovebox/journal')] : []
  return [...found, join(TMPDIR?.startsWith('/') ? TMPDIR : '/tmp', `glovebox-${uid}/journal`)]
}

/**
 * Anybody may plant a folder in /tmp. One that is not ours, that others can write to, or that lies in such a one, is not used:
 * its owner could put a link in its place between a look and an open.
 */
function isOurs(place: string): boolean {
  try {
    return [dirname(place), place].every((folder) => {
      const found = lstatSync(folder)
      return found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o22) === 0
    })
  } catch {
    return false // none there, or not for us to look at
  }
}

/** @returns once the note is there, before the thing is made */
export function note(path: string, random: string): Entry {
  const name = `${ownMark()}.${random}`
  // twice: another process may remove an empty journal just now
  for (const place of places().flatMap((each) => [each, each])) {
    try {
      mkdirSync(place, { recursive: true, mode: 0o700 })
      if (!isOurs(place)) continue
      const entry = join(place, name)
      const file = openSync(entry, 'wx', 0o600)
      writeSync(file, path)
      closeSync(file)
      return entry
    } catch {} // a read-only or a full file system: the next place
  }
  return null
}

/** The thing is gone. An empty journal is no journal. */
export function strike(entry: Entry): void {
  if (entry === null) return
  try {
    unlinkSync(entry)
    rmdirSync(dirname(entry))
    rmdirSync(dirname(dirname(entry)))
  } catch {} // there is more in it, or somebody else was quicker
}

/** The things, by their entries, whose makers are dead. */
export function abandoned(): Map<string, string> {
  const found = new Map<string, string>()
  for (const place of places()) {
    if (!isOurs(place)) continue
    for (const name of readdirSync(place)) {
      const entry = join(place, name)
      try {
        if (isGone(NAME.exec(name)?.[1] ?? '', () => Date.now() - statSync(entry).mtimeMs))
          found.set(entry, readFileSync(entry, 'utf8'))
      } catch {} // gone meanwhile
    }
  }
  return found
}
