/** Bytes between two connected sockets, both ways: with backpressure, half-close, an idle limit, and a count. */
import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { Verdict } from '../../network/index.js'
import { type Inlet, writeLent } from './inlet.js'
import type { Meter } from './meter.js'
import { reset } from './reset.js'

export type PourEnd = 'done' | 'idle' | 'budget' | 'ended'

export const VERDICT_OF: Readonly<Record<PourEnd, Verdict>> = {
  done: 'allow',
  ended: 'allow',
  idle: 'denyTimeout',
  budget: 'denyBudget',
}

export interface Pouring {
  /** what was read before the two were joined */
  send(direction: 'up' | 'down', bytes: Buffer): void
  /** resolves once, when both sockets are gone */
  readonly end: Promise<PourEnd>
  /** ends it now, with resets */
  stop(why: PourEnd): void
}

const NOTHING = Buffer.alloc(0)

/** As much waits for a slow reader before the other side waits too, bytes. */
const MAX_WAITING = 256 << 10

/** A chunk of one byte takes the room of hundreds: of chunks below this, no more than so many bytes wait. */
const SMALL = 1 << 10

/**
 * Writes, and lets the source rest while too much waits; `drain` wakes it. What `write` itself says is of no use: it counts a chunk
 * as waiting that the kernel has taken already, and a pause for each costs two system calls.
 */
export function flow(from: Readable, to: Writable, chunk: Buffer): void {
  if (chunk.length < SMALL && to.writableLength > SMALL) {
    // below the mark at which `drain` is told of; while this waits, what follows becomes one chunk in the kernel
    from.pause()
    to.write(chunk, () => from.resume())
    return
  }
  to.write(chunk)
  if (to.writableLength > MAX_WAITING) from.pause()
}

/**
 * `inlet`: with which the host was dialled; without one it is read as any stream. `look`: what goes on of a piece, where they are
 * looked through; `null`: it has stopped this
 */
export function pour(
  client: Socket,
  host: Socket,
  meter: Meter,
  idleMs: number,
  now: () => number,
  inlet: Inlet | null = null,
  look: ((direction: 'up' | 'down', piece: Buffer, last: boolean) => Buffer | null) | null = null,
): Pouring {
  let why: PourEnd = 'done'
  let active = now()
  let open = 2
  const stop = (reason: PourEnd) => {
    if (why === 'done') why = reason
    reset(client)
    reset(host)
  }
  const check = () => {
    const quiet = now() - active
    if (quiet >= idleMs) stop('idle')
    else timer = setTimeout(check, idleMs - quiet)
  }
  let timer = setTimeout(check, idleMs)

  const send = (direction: 'up' | 'down', bytes: Buffer) => {
    if (bytes.length === 0) return
    if (!meter.take(direction, bytes.length)) return stop('budget')
    const piece = look === null ? bytes : look(direction, bytes, false)
    if (piece !== null) (direction === 'up' ? host : client).write(piece)
  }
  const oneWay = (from: Socket, to: Socket, direction: 'up' | 'down') => {
    const lent = from === host ? inlet : null
    if (lent === null)
      from.on('data', (chunk: Buffer) => {
        active = now()
        if (!meter.take(direction, chunk.length)) return stop('budget')
        const piece = look === null ? chunk : look(direction, chunk, false)
        if (piece !== null && piece.length > 0) flow(from, to, piece)
      })
    else
      lent.into((bytes) => {
        active = now()
        if (meter.take(direction, bytes.length)) return writeLent(to, bytes, MAX_WAITING)
        stop('budget')
        return false
      })
    to.on('drain', () => {
      active = now()
      from.resume()
    })
    from.on('end', () => {
      const rest = look?.(direction, NOTHING, true) ?? NOTHING
      if (rest.length > 0) to.write(rest)
      to.end()
    })
  }
  oneWay(client, host, 'up')
  oneWay(host, client, 'down')

  const end = new Promise<PourEnd>((resolve) => {
    const closed = (other: Socket) => (hadError: boolean) => {
      // a reset is passed on as one: whoever read a part of an answer must not take it for the whole
      if (hadError) reset(other)
      else other.destroySoon()
      open -= 1
      if (open > 0) return
      clearTimeout(timer)
      inlet?.release()
      resolve(why)
    }
    for (const [socket, other] of [
      [client, host],
      [host, client],
    ] as const) {
      const onClose = closed(other)
      if (socket.closed) onClose(socket.errored !== null)
      else socket.once('close', onClose)
    }
  })
  client.resume()
  host.resume()
  return { end, stop, send }
}
