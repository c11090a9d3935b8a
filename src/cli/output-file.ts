/** Files that a flag names and Glovebox writes: reports, receipts, results for CI. */
import { chmodSync, lstatSync, realpathSync, renameSync, type Stats, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { visible } from '../errors/index.js'
import { Staging } from '../sandbox/index.js'
import { WrongUsage } from './flags.js'

export interface OutputFileOptions {
  /** nothing but a plain file is replaced, and no link is followed; else what is no plain file is written to */
  readonly plain?: true
  /** whatever the umask is; default: what the umask leaves of 0666 */
  readonly mode?: number
}

/**
 * Written whole or not at all; that it can be written is tried at once, before anything runs. What is no plain file (/dev/null, a
 * pipe) is written to, never replaced.
 */
export class OutputFile {
  readonly path: string
  readonly #staging: Staging | null
  readonly #mode: number | null

  /** @throws WrongUsage when nothing can be written there; `flag`: by which the file was named */
  constructor(flag: string, file: string, { plain, mode }: OutputFileOptions = {}) {
    const path = resolve(file)
    const existing = plain ? lookAtItself(path) : lookAt(path)
    this.#staging = null
    this.#mode = mode ?? null
    const named = `${flag} ${visible(file)}`
    if (existing?.isDirectory()) throw new WrongUsage(`${named}: that is a folder; name a file in it.`)
    if (plain && existing?.isSymbolicLink())
      throw new WrongUsage(`${named}: that is a link, and none is followed; name the file itself.`)
    if (plain && existing !== undefined && !existing.isFile())
      throw new WrongUsage(`${named}: that is no plain file.`)
    const replaced = existing === undefined || existing.isFile()
    this.path = existing !== undefined && replaced && !plain ? realpathSync(path) : path
    if (!replaced) return
    try {
      this.#staging = Staging.make(dirname(this.path))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const folder = visible(dirname(this.path))
      throw new WrongUsage(
        code === 'ENOENT' && lookAt(dirname(this.path)) === undefined
          ? `${named}: there is no folder ${folder}. Make it first.`
          : `${named}: nothing can be written to ${folder} (${code}).`,
      )
    }
    process.once('exit', () => this.remove())
  }

  write(text: string): void {
    if (this.#staging === null) {
      writeFileSync(this.path, text)
      return
    }
    const staged = this.#staging.at('written')
    writeFileSync(staged, text)
    if (this.#mode !== null) chmodSync(staged, this.#mode)
    renameSync(staged, this.path)
    this.remove()
  }

  /** What was prepared, when nothing is written. */
  remove(): void {
    this.#staging?.removeNow()
  }
}

/** What lies there; `undefined`: nothing, or nothing that this user may know of, which shows when it is written. */
export function lookAt(path: string): Stats | undefined {
  return tried(() => statSync(path, { throwIfNoEntry: false }))
}

const lookAtItself = (path: string) => tried(() => lstatSync(path, { throwIfNoEntry: false }))

function tried(look: () => Stats | undefined): Stats | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
