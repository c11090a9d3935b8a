/**
 * Reads what the gateway says. It is sandboxed because it reads hostile bytes; so it is not believed either: a message of another
 * shape means that it was taken over.
 */
import { LEASE_ENDS } from '../credentials/index.js'
import { VERDICTS as KNOWN } from '../network/index.js'
import type { NetworkAttempt } from '../report/index.js'
import type { FromGateway, LeaseNews } from './messages.js'

const MAX_ATTEMPTS = 1000
const MAX_TEXT = 4096
const VERDICTS: readonly unknown[] = KNOWN
const ENDS: readonly unknown[] = LEASE_ENDS
const PROTOCOLS: readonly unknown[] = ['dns', 'tcp', 'tls', 'http', 'https', 'udp', 'icmp', 'other']

/** `null`: it never says that */
export function readNews(message: unknown): FromGateway | null {
  if (!isRecord(message)) return null
  const { kind, id } = message
  if (kind === 'ready') return { kind }
  if (!isCount(id)) return null
  if (kind === 'authority')
    return isCertificate(message.certificate) ? { kind, id, certificate: message.certificate } : null
  if (kind === 'attached' || kind === 'detached') return { kind, id }
  if (kind === 'refused') return isText(message.why) ? { kind, id, why: message.why } : null
  if (kind === 'leases') return readLeases(id, message.leases)
  if (kind !== 'attempts' || !isCount(message.omitted) || !Array.isArray(message.attempts)) return null
  const attempts = message.attempts.slice(0, MAX_ATTEMPTS).map(readAttempt)
  const read = attempts.filter((attempt) => attempt !== null)
  return read.length === attempts.length ? { kind, id, attempts: read, omitted: message.omitted } : null
}

function readLeases(id: number, value: unknown): FromGateway | null {
  if (!Array.isArray(value) || value.length > MAX_ATTEMPTS) return null
  const leases = value.map((lease) => {
    if (!isRecord(lease)) return null
    const { name, uses, refused, ended } = lease
    const good = isText(name) && isCount(uses) && isCount(refused) && (ended === null || ENDS.includes(ended))
    return good ? ({ name, uses, refused, ended } as LeaseNews) : null
  })
  return leases.every((lease) => lease !== null) ? { kind: 'leases', id, leases } : null
}

/** Made anew, of what was looked at: what else stands in it would be kept, and written into the report. */
function readAttempt(value: unknown): NetworkAttempt | null {
  if (!isRecord(value) || !PROTOCOLS.includes(value.protocol)) return null
  const { at, protocol, name, address, port, verdict, rule, sentBytes, receivedBytes, count } = value
  const texts = isTime(at) && VERDICTS.includes(verdict) && [name, address, rule].every(isTextOrNull)
  const counts = [sentBytes, receivedBytes, count].every(isCount) && (port === null || isCount(port))
  const { method, path, problem, hint } = value
  const more = Object.entries({ method, path, problem, hint }).filter(([, text]) => text !== undefined)
  if (!texts || !counts || !more.every(([, text]) => isText(text))) return null
  const read = { at, protocol, name, address, port, verdict, rule, sentBytes, receivedBytes, count }
  return { ...read, ...Object.fromEntries(more) } as unknown as NetworkAttempt
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_TEXT
/** It goes into files of the sandbox, among other certificates. */
const isCertificate = (value: unknown): value is string =>
  typeof value === 'string' &&
  /^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]{1,65536}-----END CERTIFICATE-----\n$/.test(value)
const isTextOrNull = (value: unknown) => value === null || isText(value)
/** as `Date` writes it: attempts are sorted by it */
const isTime = (value: unknown) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/.test(value)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
