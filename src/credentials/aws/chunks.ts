import { Gathered } from '../gathered.js'
import { ALGORITHM, EMPTY_SHA256, hmac, type Signature, sha256 } from './sign.js'

/** The largest chunk that is held until it is signed, bytes; SDKs send 64 KiB to 1 MiB. */
export const MOST_CHUNK = 8 * 1024 * 1024
const MOST_LINE = 256
const MOST_TRAILER = 16 * 1024

/**
 * The body of `STREAMING-AWS4-HMAC-SHA256-PAYLOAD` and `…-TRAILER` with each chunk's signature made anew. Lengths stay as they were.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export class ChunkSigner {
  readonly #seed: Signature
  readonly #trailer: boolean
  #previous: string
  #held: Buffer = Buffer.alloc(0)
  /** of a chunk that is not whole yet, behind `#held` */
  readonly #more = new Gathered()
  /** of the chunk whose head was read, its data and line end; `null`: a head comes next */
  #chunk: number | null = null
  #state: 'chunks' | 'trailer' | 'done' | 'broken' = 'chunks'

  constructor(seed: Signature, trailer: boolean) {
    this.#seed = seed
    this.#trailer = trailer
    this.#previous = seed.signature
  }

  /** What goes on; `null`: it is no such body, and the request must end. */
  push(piece: Buffer): Buffer | null {
    this.#more.push(piece)
    // nothing is copied for each piece of a large chunk
    if (this.#chunk !== null && this.held < this.#chunk + 2) return Buffer.alloc(0)
    this.#held = Buffer.concat([this.#held, this.#more.take()])
    const out: Buffer[] = []
    for (let next = this.#next(); next !== null; next = this.#next()) out.push(next)
    return this.#state === 'broken' ? null : Buffer.concat(out)
  }

  /** What waits for the rest of its chunk, bytes. */
  get held(): number {
    return this.#held.length + this.#more.length
  }

  /** Whether the body ended where it should. */
  get complete(): boolean {
    return this.#state === 'done' && this.held === 0
  }

  #next(): Buffer | null {
    if (this.#state === 'trailer') return this.#endTrailer()
    if (this.#state !== 'chunks') {
      if (this.#held.length > 0) this.#state = 'broken'
      return null
    }
    if (this.#chunk === null && !this.#head()) return null
    const size = this.#chunk ?? 0
    if (size === 0 && this.#trailer) return this.#lastBeforeTrailer()
    if (this.#held.length < size + 2) return null
    const data = this.#take(size)
    if (this.#take(2).toString('latin1') !== '\r\n') return this.#broken()
    this.#chunk = null
    if (size === 0) this.#state = 'done'
    return Buffer.concat([this.#signedHead(data), data, CRLF])
  }

  #lastBeforeTrailer(): Buffer {
    this.#state = 'trailer'
    return this.#signedHead(Buffer.alloc(0))
  }

  #head(): boolean {
    const end = this.#held.indexOf('\r\n')
    if (end === -1 || end > MOST_LINE) {
      if (end !== -1 || this.#held.length > MOST_LINE) this.#state = 'broken'
      return false
    }
    const [, size] =
      /^(0|[1-9a-f][0-9a-f]{0,7});chunk-signature=[0-9a-f]{64}$/i.exec(
        this.#take(end + 2).toString('latin1', 0, end),
      ) ?? []
    const length = size === undefined ? Number.POSITIVE_INFINITY : Number.parseInt(size, 16)
    if (length > MOST_CHUNK) {
      this.#state = 'broken'
      return false
    }
    this.#chunk = length
    return true
  }

  #signedHead(data: Buffer): Buffer {
    const { date, scope, key } = this.#seed
    const text = [`${ALGORITHM}-PAYLOAD`, date, scope, this.#previous, EMPTY_SHA256, sha256(data)].join('\n')
    this.#previous = hmac(key, text).toString('hex')
    return Buffer.from(`${data.length.toString(16)};chunk-signature=${this.#previous}\r\n`, 'latin1')
  }

  /** Lines `name:value`, then their signature, then an empty line. */
  #endTrailer(): Buffer | null {
    const end = this.#held.indexOf('\r\n\r\n')
    if (end === -1) return this.#held.length > MOST_TRAILER ? this.#broken() : null
    const lines = this.#take(end + 4)
      .toString('latin1', 0, end)
      .split('\r\n')
    const last = lines.pop() ?? ''
    if (!/^x-amz-trailer-signature:[0-9a-f]{64}$/i.test(last)) return this.#broken()
    if (!lines.every((line) => /^[a-z0-9-]+:[\x21-\x7e]*$/.test(line))) return this.#broken()
    const { date, scope, key } = this.#seed
    const text = lines.map((line) => `${line}\n`).join('')
    const signed = hmac(key, [`${ALGORITHM}-TRAILER`, date, scope, this.#previous, sha256(text)].join('\n'))
    this.#state = 'done'
    const all = [...lines, `x-amz-trailer-signature:${signed.toString('hex')}`, '', '']
    return Buffer.from(all.join('\r\n'), 'latin1')
  }

  #take(length: number): Buffer {
    const taken = this.#held.subarray(0, length)
    this.#held = this.#held.subarray(length)
    return taken
  }

  #broken(): null {
    this.#state = 'broken'
    return null
  }
}

const CRLF = Buffer.from('\r\n')
