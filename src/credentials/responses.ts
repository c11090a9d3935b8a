import { PassThrough, pipeline, Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { held } from '../plan/index.js'
import type { HeldCredentials } from './held.js'
import { LiveGuard } from './live-guard.js'
import { type Pairs, without } from './request.js'
import type { Needles } from './scan/scanner.js'
import { type CredentialDenial, denied } from './verdicts.js'

export interface GuardedHead {
  readonly kind: 'guarded'
  readonly headers: Pairs
  /** codings of the body, to be taken off first, outermost first */
  readonly codings: readonly Coding[]
  readonly guard: LiveGuard
  readonly how: 'cut' | 'redact'
  /** whose values were taken out of the head */
  readonly redacted: readonly string[]
}

export type Coding = 'gzip' | 'deflate' | 'br'

const looksIntoHeads = () => held('credential-answer-heads')
const unpacks = () => held('credential-unpacking')

/** The strictest of what the credentials of a host say. */
type How = 'cut' | 'redact'

/**
 * The head of a response of a host that receives credentials: looked through, and the body made ready to be. What was packed although
 * nothing was asked for goes on unpacked.
 * @param prompt each side waits for the other in what follows; so it is where the head says so itself
 * @param bodyless what the head says of its body is of one that does not come (HEAD, 204, 304)
 */
export function guardResponse(
  held: HeldCredentials,
  host: { readonly host: string; readonly port: number },
  headers: Pairs,
  { bodyless = false, prompt = false } = {},
): GuardedHead | ({ readonly kind: 'denied' } & CredentialDenial) {
  const here = held.all.filter(({ grant }) =>
    grant.hosts.some(({ name, port }) => name === host.host && port === host.port),
  )
  const how: How = here.every(({ grant }) => grant.onReflection === 'redact') ? 'redact' : 'cut'
  const head = guardFields(held.watched.values, headers, how)
  if (head.cut !== null) return { kind: 'denied', ...reflection(head.cut) }
  const codings = bodyless || !unpacks() ? [] : codingsOf(headers)
  if (codings === null || (unpacks() && packedMessages(headers)))
    return { kind: 'denied', ...denied('denyEncoded', null, null) }
  let kept: Pairs = head.headers
  if (codings.length > 0)
    for (const name of ['content-encoding', 'content-length', 'etag', 'accept-ranges'])
      kept = without(kept, name)
  return {
    kind: 'guarded',
    headers: kept,
    codings,
    guard: new LiveGuard(() => held.watched.values, how, prompt || talks(headers)),
    how,
    redacted: head.names,
  }
}

export function reflection(name: string): CredentialDenial {
  return denied(
    'denyReflection',
    name,
    `the response held the value of credentials.${name}: the host repeats what it is sent`,
  )
}

export function guardFields(needles: Needles, headers: Pairs, how: How) {
  const names = new Set<string>()
  const found = (text: string) => {
    if (!looksIntoHeads()) return false
    const hits = needles.scan(Buffer.from(text, 'latin1'))
    for (const hit of hits) names.add(hit.name)
    return hits.length > 0
  }
  // most hold nothing: one look at all of it says so, as in a request's head
  if (!found(headers.map(([name, value]) => `${name}: ${value}`).join('\t')))
    return { headers, names: [], cut: null }
  names.clear()
  const kept = headers.flatMap(([name, value]): Pairs => {
    if (found(name)) return []
    return [[name, found(`${name}: ${value}`) ? '*'.repeat(value.length) : value]]
  })
  const [first = null] = names
  return { headers: kept, names: [...names], cut: how === 'cut' ? first : null }
}

/** Messages that somebody waits for, one by one. */
export function talks(headers: Pairs): boolean {
  const TALKING = /^(application\/(grpc|connect|x-ndjson|json-seq|stream\+json)|text\/event-stream)/i
  return headers.some(([name, value]) => name.toLowerCase() === 'content-type' && TALKING.test(value.trim()))
}

/** Each message of a stream is packed by itself (gRPC, Connect): the coding is none of the body's. */
function packedMessages(headers: Pairs): boolean {
  return headers.some(
    ([name, value]) =>
      /^(grpc|connect-content)-encoding$/i.test(name) && value.trim().toLowerCase() !== 'identity',
  )
}

/** `null`: one that can't be taken off. */
function codingsOf(headers: Pairs): readonly Coding[] | null {
  const all = headers
    .filter(([name]) => name.toLowerCase() === 'content-encoding')
    .flatMap(([, value]) => value.split(','))
    .map((each) => each.trim().toLowerCase())
    .filter((each) => each !== '' && each !== 'identity')
  // more than two is what nobody sends but to hide something
  if (all.length > 2) return null
  const known = all.map((each) => (each === 'x-gzip' ? 'gzip' : each))
  return known.every((each): each is Coding => each === 'gzip' || each === 'deflate' || each === 'br')
    ? known.reverse()
    : null
}

/** What unpacks to more than this, and to this many times its size, is a bomb. */
export const UNPACKED_FREE = 16 * 1024 * 1024
export const UNPACKED_RATIO = 200

/** A body that can't be unpacked, or that unpacks to too much. */
export class UnpackError extends Error {
  readonly denial = denied('denyEncoded', null, null)
}

const PIECE = { chunkSize: 64 * 1024 }
const MAKE = {
  gzip: () => createGunzip(PIECE),
  deflate: () => createInflate(PIECE),
  br: () => createBrotliDecompress(PIECE),
} as const

/**
 * A body without its codings, piece by piece, no more held than a few pieces.
 * @throws UnpackError when it is a bomb, broken, or ends too early
 */
export async function* unpacked(
  body: AsyncIterable<Uint8Array>,
  codings: readonly Coding[],
): AsyncGenerator<Buffer> {
  let packedBytes = 0
  async function* counted() {
    for await (const piece of body) {
      packedBytes += piece.length
      yield piece
    }
  }
  const source = Readable.from(counted(), { objectMode: false })
  const stages = codings.map((coding) => MAKE[coding]())
  const out = stages.length === 0 ? source : pipeline([source, ...stages, new PassThrough()], () => {})
  let bytes = 0
  try {
    for await (const piece of out as AsyncIterable<Buffer>) {
      bytes += piece.length
      if (codings.length > 0 && bytes > UNPACKED_FREE && bytes > packedBytes * UNPACKED_RATIO)
        throw new UnpackError('the body unpacks to too much')
      yield piece
    }
  } catch (error) {
    throw error instanceof UnpackError ? error : new UnpackError('the body cannot be unpacked')
  } finally {
    for (const stage of stages) stage.destroy()
    source.destroy()
  }
}
