/** Where collected files go. Nothing is in its place before `commit`, and after `abort` nothing is left. */
import { constants, createWriteStream, type Stats } from 'node:fs'
import { access, lstat, mkdir, readdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Staging } from './staging.js'

export interface Sink {
  /** `below`: relative path, empty for the collected path itself; checked by the caller */
  folder(below: string): Promise<void>
  file(below: string, content: AsyncIterable<Uint8Array>): Promise<void>
  /** throws when a commit would not be whole; changes nothing, so that all sinks can be asked before the first commits */
  check(): Promise<void>
  commit(): Promise<void>
  abort(): Promise<void>
}

/** Keeps the bytes; `take` is given them, by their path below, at commit. */
export class MemorySink implements Sink {
  readonly #files = new Map<string, Uint8Array>()
  readonly #take: (below: string, bytes: Uint8Array) => void

  constructor(take: (below: string, bytes: Uint8Array) => void) {
    this.#take = take
  }

  async folder(): Promise<void> {}

  async file(below: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = []
    for await (const part of content) parts.push(Uint8Array.from(part))
    this.#files.set(below, Buffer.concat(parts))
  }

  async check(): Promise<void> {}

  async commit(): Promise<void> {
    for (const [below, bytes] of this.#files) this.#take(below, bytes)
  }

  async abort(): Promise<void> {
    this.#files.clear()
  }
}

/**
 * Writes to a staging folder, then moves: a destination that exists as a folder is filled, a file replaced, and a symbolic
 * link on the way is a reason to stop, because it leads to a place nobody granted. Staging lies in the destination where
 * that is a folder, which may be a mount of its own in a parent that this user can't write to; else beside it.
 */
export class HostSink implements Sink {
  readonly #destination: string
  #staging: Staging | null = null
  #isFolder = false
  #over = false

  constructor(destination: string) {
    this.#destination = destination
  }

  async folder(below: string): Promise<void> {
    this.#isFolder = true
    await mkdir(join(await this.#stage(), below), { recursive: true, mode: 0o755 })
  }

  /** With a pattern the files come without their folders. */
  async file(below: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    if (below !== '') await this.folder(dirname(below))
    const target = join(await this.#stage(), below)
    await pipeline(content, createWriteStream(target, { flags: 'wx', mode: 0o644 }))
  }

  async check(): Promise<void> {
    if (this.#staging === null) return
    if (this.#isFolder) return this.#checkFolder(this.#new(), this.#destination)
    const existing = await statOf(this.#destination)
    if (existing?.isDirectory()) throw new Error(`${this.#destination} is a folder`)
    if (existing !== null && !existing.isFile() && !existing.isSymbolicLink())
      throw new Error(`${this.#destination} is no plain file`)
  }

  async commit(): Promise<void> {
    if (this.#staging === null) return
    await this.check()
    if (this.#isFolder) await this.#move(this.#new(), this.#destination)
    else await rename(this.#new(), this.#destination)
    await this.abort()
  }

  async abort(): Promise<void> {
    this.#over = true
    await this.#staging?.remove()
    this.#staging = null
  }

  /** Where what was collected lies until it is moved. */
  async #stage(): Promise<string> {
    if (this.#over) throw new Error('the run is over')
    if (this.#staging === null) {
      const isFolder = (await statOf(this.#destination))?.isDirectory() ?? false
      this.#staging ??= Staging.make(isFolder ? this.#destination : dirname(this.#destination))
    }
    return this.#new()
  }

  #new(): string {
    return this.#staging?.at('new') ?? ''
  }

  /** All that could stop the move is looked at before anything is moved. */
  async #checkFolder(from: string, to: string): Promise<void> {
    const existing = await statOf(to)
    if (existing === null) return
    if (!existing.isDirectory()) throw new Error(`${to} is no folder`)
    if (existing.dev !== (await lstat(from)).dev) throw new Error(`${to} is another file system`)
    await access(to, constants.W_OK | constants.X_OK)
    for (const entry of await readdir(from, { withFileTypes: true })) {
      const target = join(to, entry.name)
      if (entry.isDirectory()) await this.#checkFolder(join(from, entry.name), target)
      else if ((await statOf(target))?.isDirectory()) throw new Error(`${target} is a folder`)
    }
  }

  async #move(from: string, to: string): Promise<void> {
    if ((await statOf(to)) === null) {
      try {
        return await rename(from, to)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error // another run made it just now
      }
    }
    for (const entry of await readdir(from, { withFileTypes: true })) {
      const target = join(to, entry.name)
      if (entry.isDirectory()) await this.#move(join(from, entry.name), target)
      else await rename(join(from, entry.name), target)
    }
  }
}

async function statOf(path: string): Promise<Stats | null> {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
}
