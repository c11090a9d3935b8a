/** One request of a sandbox that has credentials: looked through, with the values in it that it may carry, and signed. */
import {
  type Attached,
  type ChunkSigner,
  Gathered,
  type HeldCredentials,
  RequestBodyGuard,
  type RequestHead,
  sha256,
  talks,
} from '../../../credentials/index.js'
import {
  type Answer,
  type Carrier,
  type Fields,
  type Head,
  isRefusal,
  type Refusal,
  refusalOf,
  UNGUARDED,
} from './carrier.js'
import { framed, lengthOf } from './framing.js'
import { guardedAnswer } from './guarded-answer.js'
import type { Holding } from './holding.js'

/** A request that the rules allowed, as it would go out. */
export interface Asked extends Head {
  readonly method: string
  readonly version: 1 | 2
  /** something is on record although it goes on */
  note(refusal: Refusal): void
}

interface Parts {
  readonly held: HeldCredentials
  readonly request: RequestHead
  readonly attached: Attached
  readonly asked: Asked
  readonly holding: Holding
}

/** A body with a placeholder is sent with its new length where it is no longer than this, bytes: not every server takes one without. */
const MOST_MEASURED = 1 << 20

const TOO_MUCH: Refusal = {
  verdict: 'denyBudget',
  status: 413,
  hint: 'the body is too large to be signed: let the job say its hash (x-amz-content-sha256)',
}
const TOO_OFTEN: Refusal = {
  verdict: 'denyBudget',
  status: 413,
  hint: 'the request has more placeholders than one needs',
}
/** A head with values in it, bytes: as much as the job may send, and the longest value beside it, and then some. */
const MOST_HEAD = 64 << 10
const OTHER_LENGTH: Refusal = { verdict: 'denyRequest', status: 400, hint: null }
const NOT_CHUNKED: Refusal = {
  verdict: 'denySignature',
  status: 403,
  hint: 'the body is not signed in chunks as its head says',
}

const NOTHING = Buffer.alloc(0)

export class Carried implements Carrier {
  readonly names: readonly string[]
  readonly holds: boolean
  head: Head
  onDone: () => void = () => {}
  readonly #parts: Parts
  readonly #guard: RequestBodyGuard
  readonly #body = new Gathered()
  readonly #most: number
  #chunks: ChunkSigner | null = null
  #sent = 0
  #declared: number | null
  /** of what waits, bytes that are counted */
  #counted = 0
  #close: ((refusal: Refusal) => void) | null = null
  /** its lease ended */
  #over: Refusal | null = null

  constructor(parts: Parts) {
    const { held, attached, asked } = parts
    this.#parts = parts
    this.names = attached.names
    const { swaps } = attached
    const swapped = swaps.length === 0 ? [] : swappedNames(held, attached)
    this.#guard = new RequestBodyGuard(held, swapped, talks(asked.headers))
    this.#declared = lengthOf(asked.headers)
    const measured = swaps.length > 0 && this.#declared !== null && this.#declared <= MOST_MEASURED
    const signed = attached.sign?.holdsBody ?? null
    this.holds = measured || signed !== null
    this.#most = signed ?? Number.POSITIVE_INFINITY
    this.head = { path: attached.target, headers: attached.headers }
  }

  /** The head, unless it waits. */
  begin(): Refusal | null {
    const { path, headers } = this.head
    const bytes = headers.reduce((sum, [name, value]) => sum + name.length + value.length, path.length)
    if (bytes > MOST_HEAD) return TOO_OFTEN
    return this.holds ? null : this.#finish(null)
  }

  up(piece: Buffer, last: boolean): Buffer | Refusal {
    const looked = this.#guard.push(piece, last)
    if ('kind' in looked) return refusalOf(looked)
    let { bytes } = looked
    for (const swap of this.#parts.attached.swaps) {
      bytes = swap.push(bytes, last)
      if (swap.tooOften) return TOO_OFTEN
    }
    if (!this.holds) return this.#through(bytes, last)
    if (this.#body.length + bytes.length > this.#most) return TOO_MUCH
    this.#body.push(bytes)
    if (!this.#count(this.#body.length)) return TOO_MUCH
    if (!last) return NOTHING
    const whole = this.#body.take()
    this.#count(0)
    return this.#finish(whole) ?? this.#through(whole, true)
  }

  trailers(fields: Fields): Fields | Refusal {
    const text = fields.map(([name, value]) => `${name}: ${value}`).join('\n')
    const looked = new RequestBodyGuard(this.#parts.held, []).push(Buffer.from(text, 'latin1'), true)
    return 'kind' in looked ? refusalOf(looked) : fields
  }

  answer(status: number, headers: Fields): Answer | Refusal {
    const { attached, held, request, asked } = this.#parts
    if (!attached.guarded) return { ...UNGUARDED, headers, tunnel: this.#tunnel(null) }
    const answer = guardedAnswer(held, request, headers, status, asked.note)
    return isRefusal(answer) ? answer : { ...answer, tunnel: this.#tunnel(answer) }
  }

  onEnd(close: (refusal: Refusal) => void): void {
    this.#close = close
    // it waited for its turn behind others, and its lease did not wait
    if (this.#over !== null) close(this.#over)
  }

  close(refusal: Refusal): void {
    this.#over = refusal
    this.#close?.(refusal)
  }

  done(): void {
    this.#close = null
    this.#count(0)
    this.onDone()
  }

  /** What another protocol sends is looked through as it comes; a value is swapped into none of it. */
  #tunnel(answer: Pick<Answer, 'down'> | null): Answer['tunnel'] {
    const guard = new RequestBodyGuard(this.#parts.held, [], true)
    return (direction, piece, last) => {
      if (direction === 'down') return answer === null ? piece : answer.down(piece, last)
      const looked = guard.push(piece, last)
      return 'kind' in looked ? refusalOf(looked) : looked.bytes
    }
  }

  /** Signs, and says where the body ends. */
  #finish(body: Buffer | null): Refusal | null {
    const { attached, asked } = this.#parts
    let head: Head = this.head
    if (attached.sign !== null) {
      const signed = attached.sign.sign(body === null ? null : sha256(body))
      if ('verdict' in signed) return refusalOf(signed)
      head = { path: signed.target, headers: signed.headers }
      this.#chunks = signed.chunks
    }
    const swapped = attached.swaps.length > 0
    this.head = { path: head.path, headers: framed(head.headers, asked.version, body, swapped) }
    this.#declared = lengthOf(this.head.headers)
    return null
  }

  /** The body as it goes out: never of another length than its head says, which a host would take for the next request. */
  #through(bytes: Buffer, last: boolean): Buffer | Refusal {
    const chunks = this.#chunks
    const out = chunks === null ? bytes : chunks.push(bytes)
    if (out === null || (last && chunks?.complete === false)) return NOT_CHUNKED
    if (chunks !== null && !this.#count(chunks.held)) return TOO_MUCH
    this.#sent += out.length
    const declared = this.#declared
    if (declared !== null && (this.#sent > declared || (last && this.#sent < declared))) return OTHER_LENGTH
    return out
  }

  #count(bytes: number): boolean {
    if (!this.#parts.holding.take(bytes - this.#counted)) return false
    this.#counted = bytes
    return true
  }
}

/** Whose placeholders the body may hold, as they are swapped there. */
function swappedNames(held: HeldCredentials, { names }: Attached): readonly string[] {
  return names.filter((name) => {
    const use = held.find(name)?.grant.use
    return use?.kind === 'placeholder' && use.in.includes('body')
  })
}
