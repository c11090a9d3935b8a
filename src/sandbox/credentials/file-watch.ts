/** Files that values are from, looked at while the sandbox lives: by polling, as what is mounted or on a network tells of no change. */
import { isUnchanged } from './sources/index.js'

const EVERY_MS = 1_000

interface Watched {
  readonly path: string
  stamp: string
  /** the last look found nothing that can be used */
  failed: boolean
}

export interface FileWatchEvents {
  /** it has other contents. Resolves with which they are; `null`: it is of no matter any more. Rejects when they can't be used */
  readonly changed: (name: string) => Promise<string | null>
  /** twice in a row nothing could be used: one look may fall into the moment in which it is written */
  readonly lost: (name: string, why: unknown) => void
}

export class FileWatch {
  readonly #events: FileWatchEvents
  readonly #files = new Map<string, Watched>()
  #timer: NodeJS.Timeout | null = null
  #looking = false

  constructor(events: FileWatchEvents) {
    this.#events = events
  }

  add(name: string, path: string, stamp: string): void {
    this.#files.set(name, { path, stamp, failed: false })
  }

  forget(name: string): void {
    this.#files.delete(name)
    if (this.#files.size === 0) this.stop()
  }

  /** Nothing of it keeps the caller's process alive. */
  start(): void {
    if (this.#files.size === 0 || this.#timer !== null) return
    this.#timer = setInterval(() => void this.#look(), EVERY_MS).unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#files.clear()
  }

  async #look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    for (const [name, file] of [...this.#files]) await this.#lookAt(name, file)
    this.#looking = false
  }

  async #lookAt(name: string, file: Watched): Promise<void> {
    if (isUnchanged(file.path, file.stamp)) {
      file.failed = false
      return
    }
    try {
      const stamp = await this.#events.changed(name)
      file.failed = false
      if (stamp === null) this.forget(name)
      else file.stamp = stamp
    } catch (error) {
      if (!this.#files.has(name)) return
      if (file.failed) {
        this.forget(name)
        this.#events.lost(name, error)
      }
      file.failed = true
    }
  }
}
