/** TLS from where an attempt is made: its bytes go out and come in there, while what it says is thought of here. */

export interface Talk {
  /** a variable of the process there; `null`: it has none of that name */
  variable(name: string): Promise<string | null>
  /** at most 64 KiB; `null`: it can't be read */
  file(path: string): Promise<string | null>
  /** @throws TalkProblem when there is no connection, or no handshake */
  call(to: Callee): Promise<Line>
}

export interface Callee {
  /** an address, or NAME@RESOLVER */
  readonly host: string
  readonly port: number
  /** that the ClientHello asks for */
  readonly name: string
  /** PEM: whom it is believed by; whoever it is, it is talked to */
  readonly believed?: string
  /** default: HTTP/1.1 */
  readonly protocol?: Spoken
  /** no TLS at all */
  readonly clear?: true
}

export type Spoken = 'h2' | 'http/1.1'

/** A connection over which HTTP is spoken. */
export interface Line {
  /** the common name of who signed what was shown; empty without TLS */
  readonly issuer: string
  /** by `believed`, for `name` */
  readonly isBelieved: boolean
  /** one request and its answer. Never throws: what went wrong is in the answer */
  ask(request: Asked): Promise<Answer>
  close(): void
}

/** A request as it is written: nothing is added, corrected or refused. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly authority: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** in pieces, a moment apart */
  readonly body?: readonly Uint8Array[]
}

export interface Answer {
  /** `null`: there was none */
  readonly status: number | null
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** without chunks */
  readonly body: Buffer
  /** it came to its end; else the beginning is here */
  readonly whole: boolean
  /** a word: `ECONNRESET`, `timeout` */
  readonly problem: string | null
}

/** Why nobody could be talked to: a word, as `Look.result` has it. */
export class TalkProblem extends Error {
  constructor(readonly word: string) {
    super(word)
  }
}
