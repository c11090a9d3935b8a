/** The wire shape of `native/wire.h`: frames of `u8 tag, u32 length (little-endian), bytes`. Pure. */

const HEADER = 5

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

/** NUL-terminated; a NUL inside would end it early for the other side. */
export function text(value: string): Buffer {
  if (value.includes('\0')) throw new RangeError('a NUL in a text for the sandbox')
  return Buffer.from(`${value}\0`)
}

export function frame(tag: string, ...parts: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(HEADER)
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  header.writeUInt8(tag.charCodeAt(0))
  header.writeUInt32LE(length, 1)
  return Buffer.concat([header, ...parts])
}

export interface Frame {
  readonly tag: string
  readonly bytes: Buffer
}

/**
 * Cuts what comes out of a sandbox into frames, in whatever pieces it comes. Bounded: a frame longer than `maxFrame` is
 * an error, so never more than that is held.
 */
export class FrameReader {
  readonly #maxFrame: number
  #pending: Buffer = Buffer.alloc(0)

  constructor(maxFrame: number) {
    this.#maxFrame = maxFrame
  }

  /** The whole frames so far. Throws {@link MalformedFrame}; the reader is then of no more use. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = []
    let rest = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    while (rest.length >= HEADER) {
      const length = rest.readUInt32LE(1)
      if (length > this.#maxFrame) throw new MalformedFrame(`a frame of ${length} bytes`)
      if (rest.length - HEADER < length) break
      frames.push({ tag: String.fromCharCode(rest[0] ?? 0), bytes: rest.subarray(HEADER, HEADER + length) })
      rest = rest.subarray(HEADER + length)
    }
    this.#pending = rest
    return frames
  }
}

export class MalformedFrame extends Error {}
