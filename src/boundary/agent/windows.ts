/**
 * Four channels over two streams, as `native/agent/carrier.c` says them: what a frame means, and how much each side may still
 * send. What arrives was sent from inside a sandbox: nothing is taken on trust. Pure.
 */
import { type Frame, frame, MalformedFrame, u32 } from './wire.js'

/** What of one channel may be on its way, or wait for its reader, bytes. */
export const WINDOW = 256 * 1024
/** The longest frame, bytes. */
export const PIECE = 64 * 1024

/** Where bytes come from. */
export type Inward = 'control' | 'stdout' | 'stderr'
/** Where bytes go. */
export type Outward = 'control' | 'stdin'

const TAGS = { control: 'c', stdin: 'i', stdout: 'o', stderr: 'e' } as const
const INWARD: ReadonlyMap<string, Inward> = new Map([
  ['c', 'control'],
  ['o', 'stdout'],
  ['e', 'stderr'],
])
const CREDIT: ReadonlyMap<string, Outward> = new Map([
  ['C', 'control'],
  ['I', 'stdin'],
])

export type Arrived =
  | { readonly kind: 'bytes'; readonly channel: Inward; readonly bytes: Buffer }
  | { readonly kind: 'end'; readonly channel: Inward }
  /** more of it may be sent */
  | { readonly kind: 'credit'; readonly channel: Outward }
  /** the job closed its input */
  | { readonly kind: 'refused' }

export interface Sent {
  readonly frames: readonly Buffer[]
  /** what may not go yet */
  readonly rest: Buffer
}

/** Ours to read: `granted` may still come, `taken` was read since the other side was last told. */
interface Reading {
  granted: number
  taken: number
  ended: boolean
}

/** Ours to write. */
interface Writing {
  credit: number
  ended: boolean
}

export class Windows {
  #reading: Readonly<Record<Inward, Reading>> = {
    control: reading(),
    stdout: reading(),
    stderr: reading(),
  }
  #writing: Readonly<Record<Outward, Writing>> = { control: writing(), stdin: writing() }
  #refused = false

  /** Another job comes, and its three channels begin. Control goes on. */
  renew(): void {
    this.#reading = { control: this.#reading.control, stdout: reading(), stderr: reading() }
    this.#writing = { control: this.#writing.control, stdin: writing() }
    this.#refused = false
  }

  /** @throws MalformedFrame for anything that the agent never says */
  arrived({ tag, bytes }: Frame): Arrived {
    const from = INWARD.get(tag)
    if (from !== undefined) return this.#bytes(from, bytes)
    const of = CREDIT.get(tag)
    if (of === undefined) throw new MalformedFrame(`a frame of the unknown kind ${tag.charCodeAt(0)}`)
    return this.#credit(of, bytes)
  }

  #bytes(channel: Inward, bytes: Buffer): Arrived {
    const state = this.#reading[channel]
    if (state.ended) throw new MalformedFrame(`more of ${channel} after its end`)
    if (bytes.length > state.granted)
      throw new MalformedFrame(`${bytes.length - state.granted} bytes of ${channel} more than were asked for`)
    state.granted -= bytes.length
    if (bytes.length > 0) return { kind: 'bytes', channel, bytes }
    state.ended = true
    return { kind: 'end', channel }
  }

  #credit(channel: Outward, bytes: Buffer): Arrived {
    const state = this.#writing[channel]
    const more = bytes.length === 4 ? bytes.readUInt32LE() : null
    if (more === null || (channel === 'stdin' && this.#refused) || (channel === 'control' && more === 0))
      throw new MalformedFrame(`an answer to ${channel} that makes no sense`)
    if (more > WINDOW - state.credit) throw new MalformedFrame(`more of ${channel} taken than was sent`)
    state.credit += more
    if (more > 0) return { kind: 'credit', channel }
    this.#refused = true
    return { kind: 'refused' }
  }

  /** So many bytes were handed on: what to say of it, if anything. */
  taken(channel: Inward, bytes: number): Buffer | null {
    const state = this.#reading[channel]
    state.taken += bytes
    return state.taken < WINDOW / 2 || state.ended ? null : this.#grant(channel)
  }

  /** Asks for `bytes` more of a channel than its window has. */
  lend(channel: Inward, bytes: number): Buffer {
    this.#reading[channel].taken += bytes
    return this.#grant(channel)
  }

  #grant(channel: Inward): Buffer {
    const state = this.#reading[channel]
    const { taken } = state
    state.granted += taken
    state.taken = 0
    return frame(TAGS[channel].toUpperCase(), u32(taken))
  }

  /** How its writer is told that nobody reads a channel any more. What is on its way still comes. */
  stop(channel: 'stdout' | 'stderr'): Buffer {
    return frame(TAGS[channel].toUpperCase(), u32(0))
  }

  hasEnded(channel: Inward): boolean {
    return this.#reading[channel].ended
  }

  /** Cuts from `bytes` what may be sent now. */
  sent(channel: Outward, bytes: Buffer): Sent {
    const state = this.#writing[channel]
    const frames: Buffer[] = []
    let rest = bytes
    while (rest.length > 0 && state.credit > 0) {
      const piece = rest.subarray(0, Math.min(PIECE, state.credit))
      state.credit -= piece.length
      frames.push(frame(TAGS[channel], piece))
      rest = rest.subarray(piece.length)
    }
    return { frames, rest }
  }

  /** What says that nothing more is sent; `null`: it was said. */
  end(channel: Outward): Buffer | null {
    const state = this.#writing[channel]
    if (state.ended) return null
    state.ended = true
    return frame(TAGS[channel])
  }
}

const reading = (): Reading => ({ granted: WINDOW, taken: 0, ended: false })
const writing = (): Writing => ({ credit: WINDOW, ended: false })
