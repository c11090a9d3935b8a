/** One direction of a stream of HTTP/2: its body, and what comes behind it. */
import { type ClientHttp2Stream, constants, type ServerHttp2Stream } from 'node:http2'
import type { Readable } from 'node:stream'
import { judgeTrailers } from '../../../network/index.js'
import { type Fields, isRefusal, OVER, type Refusal } from '../credentials/carrier.js'
import { flow } from '../pour.js'
import { fieldsOf, sizeOf } from './h2-fields.js'

type Http2Stream = ServerHttp2Stream | ClientHttp2Stream

export interface OneWay {
  readonly from: Http2Stream
  /** what the body is read from: `from`, or what unpacks it */
  readonly body: Readable
  readonly to: Http2Stream
  look(piece: Buffer, last: boolean): Buffer | Refusal
  trailers(fields: Fields): Fields | Refusal
  /** nothing more goes on */
  isOver(): boolean
  /** bytes went by */
  active(): void
  /** `false`: the budget is used up */
  take(bytes: number): boolean
  stop(refusal: Refusal): void
  /** what came can't be sent on */
  breakOff(): void
}

const NOTHING = Buffer.alloc(0)

export function passOneWay(way: OneWay): void {
  const { from, body, to } = way
  let trailers: Fields = []
  from.once('trailers', (_headers, _flags, raw: unknown) => {
    const judged = judgeTrailers(raw as string[])
    if (judged === null || !way.take(sizeOf(judged))) return way.breakOff()
    const looked = way.trailers(judged)
    if (isRefusal(looked)) way.stop(looked)
    else trailers = looked
  })
  body.on('data', (chunk: Buffer) => {
    way.active()
    pass(way, chunk, false)
  })
  to.on('drain', () => {
    way.active()
    body.resume()
  })
  body.once('end', () => {
    // one that was broken off ends too, as if nothing were missing
    if (from.rstCode === constants.NGHTTP2_NO_ERROR && !from.aborted && pass(way, NOTHING, true)) to.end()
  })
  to.once('wantTrailers', () => {
    if (!sendTrailers(to, trailers)) way.breakOff()
  })
}

/** `false`: nothing more goes on */
function pass(way: OneWay, chunk: Buffer, last: boolean): boolean {
  const { body, to } = way
  if (to.destroyed || to.writableEnded || way.isOver()) return false
  const piece = way.look(chunk, last)
  if (isRefusal(piece)) way.stop(piece)
  else if (!way.take(piece.length)) way.stop(OVER)
  else {
    if (piece.length > 0) flow(body, to, piece)
    return true
  }
  return false
}

/** Node throws at a field twice that may be there once: uncaught, it would end the network of every sandbox. */
export function sendTrailers(to: Http2Stream, fields: Fields): boolean {
  if (to.closed || to.destroyed) return true
  try {
    to.sendTrailers(fieldsOf(fields))
    return true
  } catch {
    return false
  }
}
