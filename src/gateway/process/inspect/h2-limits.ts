/** How much one connection of HTTP/2 may ask of the gateway. What nghttp2 bounds by itself: resets, pings and settings in a burst. */
import type { ClientSessionOptions, ServerSessionOptions } from 'node:http2'
import { MAX_HEADER_BYTES } from '../http-limits.js'

/** Then it is closed when they are answered, and the job makes another. */
export const MAX_REQUESTS = 10_000

const MAX_STREAMS = 100
const MAX_HEADERS = 104 // a hundred, and those that begin with a colon

/** Of one stream, and of all of a connection: as much waits here for who reads slowly, bytes. */
const STREAM_WINDOW = 256 << 10
export const SESSION_WINDOW = 512 << 10

const BOTH = {
  maxHeaderListPairs: MAX_HEADERS,
  maxOutstandingPings: 4,
  maxOutstandingSettings: 4,
  maxSettings: 32,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  maxSessionMemory: 4,
  peerMaxConcurrentStreams: MAX_STREAMS,
} as const

const SETTINGS = {
  enablePush: false,
  enableConnectProtocol: false,
  maxHeaderListSize: MAX_HEADER_BYTES,
  initialWindowSize: STREAM_WINDOW,
} as const

export const JOB_SESSION: ServerSessionOptions = {
  ...BOTH,
  settings: { ...SETTINGS, maxConcurrentStreams: MAX_STREAMS },
}

/** A host that pushes ends the connection: nobody asked (RFC 9113, 8.4). */
export const HOST_SESSION: ClientSessionOptions = { ...BOTH, settings: SETTINGS }

/** Programs take back a request now and then; not most of a hundred and more. */
export function tooManyCancelled(cancelled: number, requests: number): boolean {
  return cancelled > 100 && cancelled > requests / 2
}
