import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/**
 * The caller's bytes into the job, as fast as it reads; what it doesn't want is no error. A source that breaks is one: the job
 * would take half of its input for the whole.
 */
export function feed(source: Readable | null, stdin: Writable, onBroken: (why: string) => void): void {
  if (source === null) {
    stdin.end()
    return
  }
  const broken = (error: NodeJS.ErrnoException | null) => {
    if (!stdin.destroyed && !source.readableEnded)
      onBroken(error === null ? 'it was closed before its end' : (error.code ?? error.message))
  }
  source.once('error', broken)
  source.once('close', () => broken(null))
  if (source.destroyed) broken(source.errored)
  pipeline(source, stdin).catch(() => {})
}
