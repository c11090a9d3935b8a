/**
 * Reads what the gateway says. It is sandboxed because it reads hostile bytes; so it is not believed either: a message of another
 * shape means that it was taken over.
 */
import type { NetworkAttempt } from '../report/index.js'
import type { FromGateway } from './messages.js'

const MAX_ATTEMPTS = 1000
const MAX_TEXT = 4096
const PROTOCOLS: readonly unknown[] = ['dns', 'tcp', 'tls', 'http', 'udp', 'icmp', 'other']

/** `null`: it never says that */
export function readNews(message: unknown): FromGateway | null {
  if (!isRecord(message)) return null
  const { kind, id } = message
  if (kind === 'ready') return { kind }
  if (!isCount(id)) return null
  if (kind === 'attached' || kind === 'detached') return { kind, id }
  if (kind === 'refused') return isText(message.why) ? { kind, id, why: message.why } : null
  if (kind !== 'attempts' || !isCount(message.omitted) || !Array.isArray(message.attempts)) return null
  const attempts = message.attempts.slice(0, MAX_ATTEMPTS).map(readAttempt)
  const read = attempts.filter((attempt) => attempt !== null)
  return read.length === attempts.length ? { kind, id, attempts: read, omitted: message.omitted } : null
}

function readAttempt(value: unknown): NetworkAttempt | null {
  if (!isRecord(value) || !PROTOCOLS.includes(value.protocol)) return null
  const { at, name, address, port, verdict, rule, sentBytes, receivedBytes, count } = value
  const texts = isText(at) && isText(verdict) && [name, address, rule].every(isTextOrNull)
  const counts = [sentBytes, receivedBytes, count].every(isCount) && (port === null || isCount(port))
  const more = [value.method, value.path, value.problem, value.hint].every(
    (each) => each === undefined || isText(each),
  )
  return texts && counts && more ? (value as unknown as NetworkAttempt) : null
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_TEXT
const isTextOrNull = (value: unknown) => value === null || isText(value)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
