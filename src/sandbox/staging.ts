import { randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, mkdirSync, openSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { abandoned, type Entry, note, strike } from './journal.js'

const NOT_OURS = 'ENOTOURS'
const NAME = /^\.glovebox-[0-9a-f]{16}$/
/** A verification's, which the next verification removes. */
const DECOYS = /^glovebox-verify-[0-9a-f]{8}$/

/**
 * A folder of this user's alone beside what will be written, gone after `remove`, or after the next start when this process
 * is killed. It is used by its descriptor: whoever owns the folder around it may rename it, or put a link in its place, and
 * still nothing is written or removed elsewhere.
 */
export class Staging {
  readonly #path: string
  readonly #folder: number
  readonly #entry: Entry
  #removed = false

  private constructor(path: string, folder: number, entry: Entry) {
    this.#path = path
    this.#folder = folder
    this.#entry = entry
  }

  /** @throws what mkdir(2) says when there can be no folder in `place` */
  static make(place: string): Staging {
    const random = randomBytes(8).toString('hex')
    const path = join(place, `.glovebox-${random}`)
    const entry = note(path, random)
    try {
      mkdirSync(path, 0o700)
      return new Staging(path, opened(path), entry)
    } catch (error) {
      strike(entry)
      throw error
    }
  }

  /** The path of something in it, for this process only. */
  at(name: string): string {
    return join(`/proc/self/fd/${this.#folder}`, name)
  }

  async remove(): Promise<void> {
    if (this.#removed) return
    this.#removed = true
    await emptied(this.#folder)
    this.#finish()
  }

  /** The same when no turn is left to wait for. */
  removeNow(): void {
    if (this.#removed) return
    this.#removed = true
    for (const each of within(this.#folder)) rmSync(each, { recursive: true, force: true })
    this.#finish()
  }

  #finish(): void {
    closeSync(this.#folder)
    removeEmpty(this.#path)
    strike(this.#entry)
  }
}

/** Removes what killed processes of this user have left. What can't be removed now is tried again at the next start. */
export async function sweep(): Promise<void> {
  for (const [entry, path] of abandoned()) {
    if (DECOYS.test(basename(path))) continue
    try {
      if (NAME.test(basename(path))) await removeAbandoned(path)
      strike(entry)
    } catch (error) {
      // none there, or no folder of ours any more: whatever it is, it is not what was noted
      if (['ENOENT', 'ENOTDIR', 'ELOOP', NOT_OURS].includes((error as NodeJS.ErrnoException).code ?? ''))
        strike(entry)
    }
  }
}

async function removeAbandoned(path: string): Promise<void> {
  const folder = opened(path)
  try {
    await emptied(folder)
  } finally {
    closeSync(folder)
  }
  removeEmpty(path)
}

/** A descriptor of the folder itself: no link, and nobody else's. */
function opened(path: string): number {
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  const { uid, mode } = fstatSync(folder)
  if (uid === process.geteuid?.() && (mode & 0o777) === 0o700) return folder
  closeSync(folder)
  throw Object.assign(new Error(`${path} is not the folder that was made`), { code: NOT_OURS })
}

const within = (folder: number) =>
  readdirSync(`/proc/self/fd/${folder}`).map((name) => `/proc/self/fd/${folder}/${name}`)

async function emptied(folder: number): Promise<void> {
  for (const each of within(folder)) await rm(each, { recursive: true, force: true })
}

function removeEmpty(path: string): void {
  try {
    rmdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
