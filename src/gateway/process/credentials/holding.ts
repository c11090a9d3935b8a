/** How much may wait in the gateway until it is whole, to be signed: of one sandbox, and of all together, bytes. */
const MOST = 32 << 20
const MOST_OF_ALL = 128 << 20

let ofAll = 0

export class Holding {
  #bytes = 0

  /** `false`: there is no room for it */
  take(bytes: number): boolean {
    if (bytes > 0 && (this.#bytes + bytes > MOST || ofAll + bytes > MOST_OF_ALL)) return false
    this.#bytes += bytes
    ofAll += bytes
    return true
  }
}
