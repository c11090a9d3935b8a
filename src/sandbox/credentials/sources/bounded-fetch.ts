import type { SourceWorld } from './world.js'

/** An answer as a whole: its body is bounded, and no redirect is followed to where nobody meant. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** @throws what `fetch` throws, or an Error when the answer is larger */
export async function fetchBounded(
  world: SourceWorld,
  url: string,
  init: RequestInit,
  mostBytes: number,
): Promise<Answer> {
  const response = await world.fetch(url, {
    ...init,
    redirect: 'manual',
    signal: init.signal ?? world.signal,
  })
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.length
    if (bytes > mostBytes) throw new Error('the answer is too large')
    pieces.push(piece)
  }
  return { status: response.status, headers: response.headers, text: Buffer.concat(pieces).toString('utf8') }
}
