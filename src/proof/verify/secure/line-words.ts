/** What lines of each version of HTTP share. */
import type { Answer, Line } from '../../probes/index.js'

/** How long a handshake or an answer may take, ms. A refusal comes at once. */
export const PATIENCE_MS = 6_000
/** between two pieces of a body, ms */
export const MOMENT_MS = 20

export type Shown = Pick<Line, 'issuer' | 'isBelieved'>

export const NO_ANSWER: Answer = {
  status: null,
  headers: [],
  body: Buffer.alloc(0),
  whole: false,
  problem: 'ECONNRESET',
}

/** As results of attempts are written. */
export const wordOf = (code: string | undefined): string =>
  (code ?? 'EPROTO').replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 24)
