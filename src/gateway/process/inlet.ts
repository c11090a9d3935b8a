/**
 * What a host sends, read into one buffer for as long as its connection lives, instead of one that Node makes for each read: that
 * costs a third of the throughput, most of it in the collection of garbage.
 */
import type { Writable } from 'node:stream'

/** Of one read. Until the kernel has all of a full one, nothing more is read. */
const BUFFER_BYTES = 64 << 10

/** Buffers that are kept for the connections to come. What one read before is never looked at: only what a read has filled is. */
const MAX_SPARE = 32
const spare: Buffer[] = []

/** `false`: nothing more is to be read for now */
export type Sink = (bytes: Buffer) => boolean

export class Inlet {
  readonly #buffer = spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES)
  #sink: Sink | null = null

  /** For `connect` of node:net. */
  readonly onread = {
    buffer: this.#buffer,
    callback: (length: number): boolean => {
      // the socket is paused until there is a sink: bytes that come all the same belong to nobody, and are not to be lost in silence
      if (this.#sink === null) throw new Error('a host was read before anybody wanted its bytes')
      return this.#sink(this.#buffer.subarray(0, length))
    },
  }

  /** Where the bytes go. They are good until `sink` returns; where it gives `false`, until the socket is resumed. */
  into(sink: Sink): void {
    this.#sink = sink
  }

  /** Only when the socket, and all that its bytes were written to, is closed. */
  release(): void {
    if (spare.length < MAX_SPARE) spare.push(this.#buffer)
  }
}

/**
 * Writes bytes of a buffer that is to be used again. Few are copied. Of many, the kernel mostly takes all at once; where it does not,
 * nothing is read until it has (`drain`).
 */
export function writeLent(to: Writable, bytes: Buffer, maxWaiting: number): boolean {
  if (bytes.length < to.writableHighWaterMark) {
    // no `drain` tells when so few are gone
    to.write(Buffer.from(bytes))
    return to.writableLength <= maxWaiting
  }
  to.write(bytes)
  return to.writableLength === 0
}
