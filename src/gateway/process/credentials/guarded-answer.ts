/** An answer of a host that receives a credential: no value goes on to the job, wherever in it one is. */
import { Readable } from 'node:stream'
import {
  guardFields,
  guardResponse,
  type HeldCredentials,
  type RequestHead,
  reflection,
  UnpackError,
  unpacked,
} from '../../../credentials/index.js'
import { type Answer, type Fields, type Refusal, refusalOf } from './carrier.js'

/**
 * @param note what was taken out, and goes on without
 */
export function guardedAnswer(
  held: HeldCredentials,
  { host, port, method }: RequestHead,
  headers: Fields,
  status: number,
  note: (refusal: Refusal) => void,
): Omit<Answer, 'tunnel'> | Refusal {
  const bodyless = method === 'HEAD' || status === 204 || status === 304
  const guarded = guardResponse(held, { host, port }, headers, { bodyless, prompt: status === 101 })
  if (guarded.kind === 'denied') return refusalOf(guarded)
  const noted = new Set<string>()
  const redacted = (names: readonly string[]) => {
    for (const name of names) if (!noted.has(name)) note(refusalOf(reflection(name)))
    for (const name of names) noted.add(name)
  }
  redacted(guarded.redacted)
  const { codings, guard, how } = guarded
  return {
    headers: guarded.headers,
    reworded: true,
    body: (from) => (codings.length === 0 ? from : Readable.from(unpacked(from, codings))),
    failed: (error) => (error instanceof UnpackError ? refusalOf(error.denial) : null),
    down: (piece, last) => {
      const { bytes, hits, cut } = guard.push(piece, last)
      const names = hits.map(({ name }) => name)
      if (cut) return refusalOf(reflection(names[0] ?? ''))
      redacted(names)
      return bytes
    },
    trailers: (fields) => {
      const { headers, names, cut } = guardFields(held.watched.values, fields, how)
      if (cut !== null) return refusalOf(reflection(cut))
      redacted(names)
      return headers
    },
  }
}
