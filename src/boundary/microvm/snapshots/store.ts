/**
 * Saved machines, one folder a user:
 *
 *     KEY/memory, KEY/state, KEY/machine.json      one machine; KEY says of what it is made
 *     staging.MARK.RANDOM/                         being saved
 *     lock                                         held while one is saved
 *
 * A machine appears by one rename. Nobody but this user reads or writes here: what lies in one is what every job's kernel is.
 */
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { BoundaryUnavailableError } from '../../../errors/index.js'
import { isGone, locked, ownMark } from '../../../host/index.js'
import { SAVED } from '../vmm/machine.js'
import type { FileMark } from './key.js'
import { markOf } from './mark.js'

export interface SavedMachine {
  /** absolute path of its folder */
  readonly folder: string
  /** of the kernel in it, as uname(2) says it there */
  readonly kernelRelease: string
}

interface Note {
  readonly kernelRelease: string
  readonly memory: FileMark
  readonly state: FileMark
}

/** Of other parts, and not used since: ms. */
const UNUSED_MS = 14 * 24 * 60 * 60 * 1000
/** Each is as large as its memory: beyond so many the one that was used longest ago goes when another is saved. */
const MOST = 24
/** Somebody else saves one, s: under emulation, where much else runs. */
const PATIENCE_S = 300

export class MachineStore {
  readonly place: string

  /** `place`: absolute; made when it is needed */
  constructor(place: string) {
    this.place = place
  }

  /** The machine as it was saved; `null`: there is none, or what lies there is not that any more. */
  find(key: string): SavedMachine | null {
    const folder = join(this.place, key)
    const note = noteIn(folder)
    if (note === null || !isOurs(this.place) || !isOurs(folder)) return null
    if (!isAsNoted(note.memory, join(folder, SAVED.memory))) return null
    if (!isAsNoted(note.state, join(folder, SAVED.state))) return null
    return { folder, kernelRelease: note.kernelRelease }
  }

  /**
   * The machine; where there is none `save` makes it: it puts `memory` and `state` into a folder, and says the kernel's release. Who
   * asks meanwhile waits.
   * @throws BoundaryUnavailableError when there is no place for one
   */
  async get(key: string, save: (folder: string) => Promise<string>): Promise<SavedMachine> {
    const known = this.find(key)
    if (known !== null) {
      touch(known.folder)
      return known
    }
    this.#prepare()
    const lock = join(this.place, 'lock')
    const work = async () => {
      this.#sweep()
      return this.find(key) ?? (await this.#save(key, save))
    }
    return await locked(lock, work, { patienceS: PATIENCE_S, refused: (why) => lockError(lock, why) })
  }

  async #save(key: string, save: (folder: string) => Promise<string>): Promise<SavedMachine> {
    const staging = join(this.place, `staging.${ownMark()}.${randomBytes(8).toString('hex')}`)
    const folder = join(this.place, key)
    mkdirSync(staging, { mode: 0o700 })
    try {
      const kernelRelease = await save(staging)
      const [memory, state] = [SAVED.memory, SAVED.state].map((name) => markOf(join(staging, name)))
      // the rename changes the folder, and none of its files
      writeFileSync(join(staging, 'machine.json'), JSON.stringify({ kernelRelease, memory, state }), {
        mode: 0o600,
      })
      rmSync(folder, { recursive: true, force: true }) // what is not as it was noted
      renameSync(staging, folder)
      return { folder, kernelRelease }
    } finally {
      rmSync(staging, { recursive: true, force: true })
    }
  }

  #prepare(): void {
    try {
      mkdirSync(this.place, { recursive: true, mode: 0o700 })
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      throw new BoundaryUnavailableError(
        'microvm.noPlace',
        `The folder for saved machines ${this.place} can't be made: ${code}.`,
        'Is there room, and is it yours?',
      )
    }
    if (!isOurs(this.place))
      throw new BoundaryUnavailableError(
        'microvm.storeUntrusted',
        `The folder for saved machines ${this.place} is not this user's alone.`,
        'It must belong to this user, and nobody else may write to it.',
      )
  }

  /** Whether what was found before is still there: another process may have needed the room. */
  isThere({ folder }: SavedMachine): boolean {
    if (!existsSync(join(folder, SAVED.memory))) return false
    touch(folder)
    return true
  }

  /**
   * What dead processes left, and machines that nobody started for long: a kernel that was updated has others. A machine that runs
   * keeps its files, which only lose their names.
   */
  #sweep(): void {
    for (const name of readdirSync(this.place)) {
      const path = join(this.place, name)
      const age = () => Date.now() - (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
      const mark = /^staging\.(.+)\.[0-9a-f]{16}$/.exec(name)?.[1]
      const isLeft = mark === undefined ? /^[0-9a-f]{64}$/.test(name) && age() > UNUSED_MS : isGone(mark, age)
      if (isLeft) rmSync(path, { recursive: true, force: true })
    }
    const kept = readdirSync(this.place).filter((name) => /^[0-9a-f]{64}$/.test(name))
    const used = kept.map((name) => join(this.place, name)).sort((a, b) => lastUse(b) - lastUse(a))
    for (const path of used.slice(MOST - 1)) rmSync(path, { recursive: true, force: true })
  }
}

function lockError(file: string, why: string): BoundaryUnavailableError {
  return new BoundaryUnavailableError(
    'microvm.locked',
    `The lock ${file} can't be had (${why}).`,
    'Another Glovebox saves a machine there; or util-linux (flock) is missing.',
  )
}

const lastUse = (folder: string) => lstatSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0

function noteIn(folder: string): Note | null {
  try {
    return JSON.parse(readFileSync(join(folder, 'machine.json'), 'utf8')) as Note
  } catch {
    return null // none, or half of one: it is made again
  }
}

function isAsNoted(noted: FileMark | undefined, path: string): boolean {
  try {
    const found = lstatSync(path)
    if (!found.isFile() || found.uid !== process.geteuid?.() || (found.mode & 0o022) !== 0) return false
    const { bytes, inode, modified, changed } = markOf(path)
    return (
      bytes === noted?.bytes &&
      inode === noted.inode &&
      modified === noted.modified &&
      changed === noted.changed
    )
  } catch {
    return false
  }
}

function isOurs(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  return found?.isDirectory() === true && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0
}

/** It is used: not the one to go. */
function touch(folder: string): void {
  try {
    utimesSync(folder, new Date(), new Date())
  } catch {
    // gone meanwhile: the start says so
  }
}
