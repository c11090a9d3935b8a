/** The body of a request whose head waits for it. */
import { constants, type ServerHttp2Stream } from 'node:http2'
import { isRefusal } from '../credentials/carrier.js'
import type { OneWay } from './h2-one-way.js'

const NOTHING = Buffer.alloc(0)

/** `null`: it does not go on. What comes behind it is left out. */
export function wholeBody(
  stream: ServerHttp2Stream,
  { look, isOver, active, stop }: Pick<OneWay, 'look' | 'isOver' | 'active' | 'stop'>,
): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const take = (piece: Buffer, last: boolean) => {
      if (isOver()) return resolve(null)
      const looked = look(piece, last)
      if (isRefusal(looked)) stop(looked)
      if (last || isRefusal(looked)) resolve(isRefusal(looked) ? null : looked)
    }
    stream.once('close', () => resolve(null))
    if (stream.endAfterHeaders) return take(NOTHING, true)
    stream.on('data', (chunk: Buffer) => {
      active()
      take(chunk, false)
    })
    stream.once('end', () => {
      if (stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.aborted) take(NOTHING, true)
    })
  })
}
