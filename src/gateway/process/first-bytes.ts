import type { Socket } from 'node:net'

export type Look<T> = { readonly decided: T } | 'more'

/** Why there is no answer: nothing more came in time, or the job ended its side. */
export type Nothing = { readonly nothing: 'late' | 'ended'; readonly bytes: number }

/** A piece of one byte takes the room of a hundred and more: beyond so many they are joined. */
const MAX_PIECES = 64

/**
 * Reads from a paused client until `look` has decided, and pauses it again. `timeoutMs` holds for all of it: bytes that trickle in
 * win no time.
 */
export function readFirst<T>(
  client: Socket,
  timeoutMs: number,
  look: (chunk: Buffer) => Look<T>,
): Promise<{ readonly decided: T; readonly begun: readonly Buffer[] } | Nothing> {
  return new Promise((resolve) => {
    const begun: Buffer[] = []
    const stop = () => {
      clearTimeout(timer)
      client.pause()
      client.off('data', onData)
      client.off('end', onEnd)
      client.off('close', onEnd)
    }
    const nothing = (why: 'late' | 'ended') => {
      stop()
      resolve({ nothing: why, bytes: begun.reduce((sum, { length }) => sum + length, 0) })
    }
    const onData = (chunk: Buffer) => {
      begun.push(chunk)
      if (begun.length === MAX_PIECES) begun.splice(0, MAX_PIECES, Buffer.concat(begun))
      const seen = look(chunk)
      if (seen === 'more') return
      stop()
      resolve({ decided: seen.decided, begun })
    }
    const onEnd = () => nothing('ended')
    const timer = setTimeout(() => nothing('late'), timeoutMs)
    client.on('data', onData)
    client.once('end', onEnd)
    client.once('close', onEnd)
    client.resume()
  })
}
