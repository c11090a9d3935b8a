/** What the credentials of a sandbox do to one request and its answer. Both versions of HTTP go through it, and so do sandboxes without any. */
import type { Readable } from 'node:stream'
import type { CredentialDenial } from '../../../credentials/index.js'
import type { Denial } from '../../../network/index.js'

export type Fields = readonly (readonly [name: string, value: string])[]

/** Why something goes no further. */
export interface Refusal {
  readonly verdict: Denial
  /** answer to the job, where there was none yet */
  readonly status: number
  /** for the caller, never for the job */
  readonly hint: string | null
}

/** The rule's budget, or the sandbox's, is used up. */
export const OVER: Refusal = { verdict: 'denyBudget', status: 403, hint: null }

/** The parts of a head that change on its way. */
export interface Head {
  readonly path: string
  readonly headers: Fields
}

export type Direction = 'up' | 'down'
/** What goes on of a piece. `last`: nothing follows */
export type Look = (direction: Direction, piece: Buffer, last: boolean) => Buffer | Refusal

export interface Carrier {
  /** the head waits for the whole body, which comes out of the last `up` */
  readonly holds: boolean
  /** as it goes out; where it waits, only after that */
  readonly head: Head
  /** the request's body */
  up(piece: Buffer, last: boolean): Buffer | Refusal
  /** what comes behind it */
  trailers(fields: Fields): Fields | Refusal
  answer(status: number, headers: Fields): Answer | Refusal
  /** `close` is called when the lease of something that it carries ends before `done` */
  onEnd(close: (refusal: Refusal) => void): void
  /** nothing is under way any more */
  done(): void
}

export interface Answer {
  readonly headers: Fields
  /** the host's own words for its status are not looked at, and do not go on */
  readonly reworded: boolean
  /** what the body is read from: as it came, or unpacked */
  body<Source extends Readable>(from: Source): Source | Readable
  /** why reading that failed; `null`: the host broke off */
  failed(error: Error): Refusal | null
  down(piece: Buffer, last: boolean): Buffer | Refusal
  trailers(fields: Fields): Fields | Refusal
  /** both directions, once it is another protocol; `null`: they pass unread */
  readonly tunnel: Look | null
}

export const isRefusal = (value: object): value is Refusal => 'verdict' in value

export const refusalOf = ({ verdict, status, hint }: CredentialDenial): Refusal => ({ verdict, status, hint })

/** Of a sandbox without credentials: all of it goes on as it is. */
export class AsItIs implements Carrier {
  readonly holds = false

  constructor(readonly head: Head) {}

  up(piece: Buffer): Buffer {
    return piece
  }

  trailers(fields: Fields): Fields {
    return fields
  }

  answer(_status: number, headers: Fields): Answer {
    return { ...UNGUARDED, headers }
  }

  onEnd(): void {}

  done(): void {}
}

/** An answer that nothing is looked for in. */
export const UNGUARDED: Omit<Answer, 'headers'> = {
  reworded: false,
  body: (from) => from,
  failed: () => null,
  down: (piece) => piece,
  trailers: (fields) => fields,
  tunnel: null,
}
