/** The first handshake message of a TLS connection, put together from records, which come in pieces of any size (RFC 8446, 5.1). */

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const RECORD_HEADER = 5
const MESSAGE_HEADER = 4
/** One record's worth; post-quantum key shares and long session tickets leave much room. */
export const MAX_MESSAGE = 16_384
/** No client sends more than a few; thousands of one byte each would only be work. */
export const MAX_RECORDS = 64
/** More than this is never held. */
const MAX_HELD = MAX_MESSAGE + MAX_RECORDS * RECORD_HEADER

export class TlsRecords {
  /** all that came, in a buffer that grows by doubling: one byte at a time costs no more than all at once */
  #held = Buffer.alloc(1024)
  #length = 0
  /** where the next record begins */
  #at = 0
  #records = 0
  readonly #contents: Uint8Array[] = []
  #contentBytes = 0

  /** The message with its header; `null`: more is needed; a sentence: this is not TLS as it should begin. */
  push(bytes: Uint8Array): Uint8Array | string | null {
    this.#hold(bytes)
    for (;;) {
      const fault = this.#headerFault()
      if (fault !== null) return fault
      const content = this.#nextRecord()
      if (content === null) return null
      this.#contents.push(content)
      this.#contentBytes += content.length
      const message = this.#wholeMessage()
      if (message !== null) return message
    }
  }

  #hold(bytes: Uint8Array): void {
    // what lies behind the longest hello that is read does not matter: by then it is known to be too long
    const piece = bytes.subarray(0, MAX_HELD - this.#length)
    const needed = this.#length + piece.length
    if (needed > this.#held.length) {
      const grown = Buffer.alloc(Math.min(MAX_HELD, Math.max(needed, this.#held.length * 2)))
      this.#held.copy(grown, 0, 0, this.#length)
      this.#held = grown
    }
    this.#held.set(piece, this.#length)
    this.#length = needed
  }

  /** Judged as early as can be, so that what is no TLS is told from its first byte on. */
  #headerFault(): string | null {
    const header = this.#header()
    const [type, major, minor] = header
    if (type === undefined) return null
    if (type !== HANDSHAKE) return NO_TLS[this.#records === 0 && type >= 0x80 ? 'ssl2' : 'other']
    if (major !== undefined && major !== 3) return NO_TLS.other
    if (minor !== undefined && minor > 4) return 'the record has a version that TLS has not'
    if (header.length < RECORD_HEADER) return null
    const length = header.readUInt16BE(3)
    if (length === 0 || length > MAX_MESSAGE) return 'the record has a length that TLS has not'
    if (this.#records === MAX_RECORDS) return `the ClientHello is in more than ${MAX_RECORDS} records`
    return this.#contentBytes + length > MAX_MESSAGE ? TOO_LONG : null
  }

  #nextRecord(): Uint8Array | null {
    const header = this.#header()
    if (header.length < RECORD_HEADER) return null
    const from = this.#at + RECORD_HEADER
    const end = from + header.readUInt16BE(3)
    if (this.#length < end) return null
    this.#at = end
    this.#records += 1
    // copied: the buffer that holds it may be left for a larger one
    return Uint8Array.from(this.#held.subarray(from, end))
  }

  #wholeMessage(): Uint8Array | string | null {
    const message = Buffer.concat(this.#contents)
    if (message[0] !== CLIENT_HELLO) return 'the first message is no ClientHello'
    if (message.length < MESSAGE_HEADER) return null
    const length = MESSAGE_HEADER + message.readUIntBE(1, 3)
    if (length > MAX_MESSAGE) return TOO_LONG
    if (message.length < length) return null
    // whatever followed in this record would not be looked at
    return message.length === length ? message : 'something follows the ClientHello in its record'
  }

  /** As much of the next record's header as has come. */
  #header(): Buffer {
    return this.#held.subarray(this.#at, Math.min(this.#length, this.#at + RECORD_HEADER))
  }
}

const NO_TLS = {
  ssl2: 'it begins like SSL 2, or not with TLS',
  other: 'it does not begin with a TLS handshake',
}
const TOO_LONG = `the ClientHello is longer than ${MAX_MESSAGE} bytes`
