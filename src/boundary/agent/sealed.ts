/**
 * What the agent says where others than it can write to its stream (`native/agent/seal.c`): records of u32 length (little-endian), bytes, and
 * 16 bytes of HMAC-SHA-256 over the record's number, length and bytes. One that is not the agent's next ends the stream.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { Transform, type TransformCallback } from 'node:stream'
import { PIECE } from './windows.js'
import { MalformedFrame } from './wire.js'

/** Bytes; sent to the agent before all else. */
export const KEY = 32

const LENGTH = 4
const TAG = 16

/** The agent's own words, as they were before they were sealed. */
export class Unsealed extends Transform {
  readonly #key: Uint8Array
  #held: Buffer = Buffer.alloc(0)
  #number = 0n

  constructor(key: Uint8Array) {
    super()
    this.#key = key
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
      for (let bytes = this.#next(); bytes !== null; bytes = this.#next()) this.push(bytes)
      done()
    } catch (error) {
      done(error as Error)
    }
  }

  /** Whole records alone: nothing of one is used before it is known to be the agent's. */
  #next(): Buffer | null {
    if (this.#held.length < LENGTH) return null
    const length = this.#held.readUInt32LE(0)
    if (length === 0 || length > PIECE)
      throw new MalformedFrame('a sealed record is of no length that the agent sends')
    const end = LENGTH + length
    if (this.#held.length < end + TAG) return null
    const number = Buffer.alloc(8)
    number.writeBigUInt64LE(this.#number)
    const tag = createHmac('sha256', this.#key).update(number).update(this.#held.subarray(0, end)).digest()
    if (!timingSafeEqual(tag.subarray(0, TAG), this.#held.subarray(end, end + TAG)))
      throw new MalformedFrame('what was said in the name of the first process was not said by it')
    this.#number += 1n
    const bytes = this.#held.subarray(LENGTH, end)
    this.#held = this.#held.subarray(end + TAG)
    return bytes
  }
}
