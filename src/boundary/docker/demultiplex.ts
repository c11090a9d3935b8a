/**
 * The stream of an attached container without a terminal: frames of `u8 stream, 3 zeros, u32 length (big-endian), bytes`
 * (API, "Attach to a container"). The bytes are the job's and pass unread; the heads are the engine's. Pure.
 */
import { badAnswer, EngineError, said } from './problems.js'

const HEAD = 8
const STDOUT = 1
const STDERR = 2
/** The engine's own sentence on why there is no more. */
const SYSTEM_ERROR = 3

/** dockerd writes at most 32 KiB at a time; a length far beyond is no length. */
export const MAX_FRAME = 16 * 1024 * 1024
const MAX_SENTENCE = 4096

const ASKED = 'POST /containers/…/attach'

export interface Piece {
  readonly to: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

/** Holds at most a head, or one sentence of the engine's: what belongs to a stream is handed on as it comes. */
export class Demultiplexer {
  #head = Buffer.alloc(0)
  #stream = 0
  #left = 0
  #sentence = ''

  /** @throws EngineError when this is no such stream, or the engine says that it failed */
  push(chunk: Buffer): Piece[] {
    const pieces: Piece[] = []
    for (let rest = chunk; rest.length > 0; )
      rest = this.#left > 0 ? this.#body(rest, pieces) : this.#begin(rest)
    return pieces
  }

  /** @throws EngineError when the stream ends in the middle of a frame */
  end(): void {
    if (this.#left > 0 || this.#head.length > 0)
      throw new EngineError(
        'docker.lost',
        "The Docker Engine ended a container's streams in the middle.",
        'It was stopped or restarted: `journalctl -u docker` says why. Run it again.',
      )
  }

  #begin(rest: Buffer): Buffer {
    const taken = Math.min(HEAD - this.#head.length, rest.length)
    this.#head = Buffer.concat([this.#head, rest.subarray(0, taken)])
    if (this.#head.length === HEAD) {
      const [stream = 0, ...zeros] = this.#head.subarray(0, 4)
      const length = this.#head.readUInt32BE(4)
      this.#head = Buffer.alloc(0)
      if (![STDOUT, STDERR, SYSTEM_ERROR].includes(stream) || zeros.some((zero) => zero !== 0))
        throw badAnswer(
          ASKED,
          `it has no frames of a container's streams (a head of ${stream} ${zeros.join(' ')})`,
        )
      if (length > (stream === SYSTEM_ERROR ? MAX_SENTENCE : MAX_FRAME))
        throw badAnswer(ASKED, `it has a frame of ${length} bytes`)
      this.#stream = stream
      this.#left = length
    }
    return rest.subarray(taken)
  }

  #body(rest: Buffer, pieces: Piece[]): Buffer {
    const bytes = rest.subarray(0, this.#left)
    this.#left -= bytes.length
    if (this.#stream !== SYSTEM_ERROR)
      pieces.push({ to: this.#stream === STDOUT ? 'stdout' : 'stderr', bytes })
    else {
      this.#sentence += bytes.toString('latin1')
      if (this.#left === 0)
        throw new EngineError(
          'docker.lost',
          `The Docker Engine gave up a container's streams: ${said(this.#sentence)}.`,
          '`journalctl -u docker` may say more. Run it again.',
        )
    }
    return rest.subarray(bytes.length)
  }
}
