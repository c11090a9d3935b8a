/** What a job is told when a request does not go on: that it does not, and nothing of why. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Verdict } from '../../network/index.js'
import type { Fields } from './credentials/carrier.js'

export function answerShortly(response: ServerResponse, status: number, close: boolean): void {
  if (response.headersSent || response.destroyed) return void response.destroy()
  // a job has no use for the date, and another clock than its own is none of its business
  response.sendDate = false
  response.writeHead(status, { 'Content-Length': '0', ...(close ? { Connection: 'close' } : {}) })
  response.end()
}

/** For a request whose host was not reached. */
export function unreachedStatus(verdict: Verdict): number {
  if (verdict === 'denyTimeout') return 504
  return verdict === 'allow' || verdict === 'denyUnresolved' ? 502 : 403
}

/** Of a host's answer what goes on to the job. */
export function responseHeaders(rawHeaders: readonly string[]): Fields {
  const hop = new Set(HOP)
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.toLowerCase() === 'connection')
      for (const name of (rawHeaders[at + 1] ?? '').split(',')) hop.add(name.trim().toLowerCase())
  // a body whose packing is not said any more would go on packed, and unread
  hop.delete('content-encoding')
  // where the body ends is the gateway's to say anew
  const chunked = rawHeaders.some((text, at) => at % 2 === 0 && text.toLowerCase() === 'transfer-encoding')
  if (chunked) hop.add('content-length')
  else hop.delete('content-length')
  const kept: (readonly [string, string])[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = [rawHeaders[at], rawHeaders[at + 1]]
    if (!hop.has(name.toLowerCase())) kept.push([name, value])
  }
  return kept
}

/**
 * Whether a body comes packed for this hop alone (`Transfer-Encoding: gzip, chunked`). Nothing asks for that; Node leaves it packed, and
 * the job would get what nobody could look into, without a word on how to read it.
 */
export function isPackedForTheHop({ 'transfer-encoding': codings }: IncomingHttpHeaders): boolean {
  return codings !== undefined && codings.trim().toLowerCase() !== 'chunked'
}

/** For one hop only (RFC 9110, 7.6.1), and offers of other protocols, which would lead round the gateway. */
const HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'alt-svc',
]
