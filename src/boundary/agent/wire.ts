/** The wire shape of `native/wire.h`: frames of `u8 tag, u32 length (little-endian), bytes`. Pure. */

const HEADER = 5

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

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
 * an error, so never more than that is held; and each byte is copied once at most, however small the pieces.
 */
export class FrameReader {
  readonly #maxFrame: number
  readonly #header = Buffer.alloc(HEADER)
  #headerBytes = 0
  /** of a frame that comes in several pieces, as long as it will be */
  #body: Buffer | null = null
  #bodyBytes = 0

  constructor(maxFrame: number) {
    this.#maxFrame = maxFrame
  }

  /** The whole frames so far. Throws {@link MalformedFrame}; the reader is then of no more use. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = []
    for (let at = 0; at < chunk.length; ) {
      at += this.#takeHeader(chunk.subarray(at))
      if (this.#headerBytes === HEADER) at += this.#takeBody(chunk.subarray(at), frames)
    }
    return frames
  }

  #takeHeader(bytes: Buffer): number {
    const taken = bytes.copy(this.#header, this.#headerBytes)
    this.#headerBytes += taken
    if (this.#headerBytes === HEADER && this.#length > this.#maxFrame)
      throw new MalformedFrame(`a frame of ${this.#length} bytes`)
    return taken
  }

  #takeBody(bytes: Buffer, frames: Frame[]): number {
    const length = this.#length
    if (this.#body === null && bytes.length >= length) {
      frames.push(this.#frame(bytes.subarray(0, length)))
      return length
    }
    this.#body ??= Buffer.allocUnsafe(length)
    const taken = bytes.copy(this.#body, this.#bodyBytes)
    this.#bodyBytes += taken
    if (this.#bodyBytes === length) frames.push(this.#frame(this.#body))
    return taken
  }

  #frame(bytes: Buffer): Frame {
    this.#headerBytes = this.#bodyBytes = 0
    this.#body = null
    return { tag: String.fromCharCode(this.#header[0] ?? 0), bytes }
  }

  get #length(): number {
    return this.#header.readUInt32LE(1)
  }
}

/** What came from a sandbox is not what was agreed on, or nothing came any more: it is of no use to anybody. */
export class MalformedFrame extends Error {}
