/**
 * AWS Signature Version 4, as
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html has it. Pure: the time is told.
 */
import { createHash, createHmac } from 'node:crypto'

export const ALGORITHM = 'AWS4-HMAC-SHA256'
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

export interface SigningKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | null
}

export interface Scope {
  readonly region: string
  readonly service: string
}

export interface ToSign {
  readonly method: string
  /** as it goes over the wire, without its query */
  readonly path: string
  /** decoded keys and values */
  readonly query: readonly (readonly [string, string])[]
  /** lower-case names; `host` among them */
  readonly headers: readonly (readonly [string, string])[]
  /** SHA-256 of the body in hex, or what stands for it */
  readonly payloadHash: string
}

export interface Signature {
  readonly authorization: string
  readonly signature: string
  /** what signatures of chunks go on from */
  readonly key: Buffer
  readonly scope: string
  readonly date: string
}

/** @param headers all that are signed, `x-amz-date` included */
export function sign(
  request: ToSign,
  keys: SigningKeys,
  { region, service }: Scope,
  date: string,
): Signature {
  const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`
  const headers = [...request.headers].sort(([a], [b]) => (a < b ? -1 : 1))
  const names = headers.map(([name]) => name).join(';')
  const canonical = [
    request.method,
    canonicalPath(request.path, service),
    canonicalQuery(request.query),
    ...headers.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}`),
    '',
    names,
    request.payloadHash,
  ].join('\n')
  const key = signingKey(keys.secretAccessKey, date, region, service)
  const signature = hmac(key, [ALGORITHM, date, scope, sha256(canonical)].join('\n')).toString('hex')
  const authorization = `${ALGORITHM} Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  return { authorization, signature, key, scope, date }
}

function signingKey(secret: string, date: string, region: string, service: string): Buffer {
  return [region, service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, date.slice(0, 8)))
}

/** S3 takes the path as it stands; every other service has its dot segments gone, and is escaped once more. */
function canonicalPath(path: string, service: string): string {
  if (service === 's3') return path
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment === '..') kept.pop()
    else kept.push(segment)
  }
  const end = kept.length > 0 && path.endsWith('/') ? '/' : ''
  return escaped(`/${kept.join('/')}${end}`).replaceAll('%2F', '/')
}

export function canonicalQuery(query: readonly (readonly [string, string])[]): string {
  return query
    .map(([key, value]) => [escaped(key), escaped(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join('&')
}

/** All but unreserved characters (RFC 3986, 2.3). */
export function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** `20300102T030405Z` */
export function amzDate(now: number): string {
  return new Date(now).toISOString().replace(/\.\d{3}|[:-]/g, '')
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

export function hmac(key: string | Uint8Array, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}
