import { createHash, createHmac } from 'node:crypto'

/** SHA-256 and its HMAC, as `@smithy/signature-v4` asks for them. */
export class Sha256 {
  readonly #hash
  constructor(secret?: unknown) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }
  update(data: Uint8Array | string) {
    this.#hash.update(data)
  }
  async digest() {
    return Uint8Array.from(this.#hash.digest())
  }
  reset() {}
}
