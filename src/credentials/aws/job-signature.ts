/** The signature that the job made with keys that are worth nothing: who it says it is, and what it says of the body. */

import { type Pairs, plainName } from '../request.js'

export interface JobSignature {
  readonly accessKeyId: string
  readonly region: string
  readonly service: string
  readonly where: 'header' | 'query'
}

/** `null`: the request is not signed; `unreadable`: it is, and not in the one way that is read. */
export function jobSignature(headers: Pairs, query: Pairs): JobSignature | 'unreadable' | null {
  const lines = headers.filter(([name]) => name.toLowerCase() === 'authorization').map(([, value]) => value)
  const signed = lines.filter((value) => /^\s*AWS/i.test(value))
  const keys = query.filter(([key]) => /^x-amz-(algorithm|credential|signature)$/i.test(key))
  // the signature of 2006 and its like are for whoever reads queries by these names
  const old = query.some(([key]) => /^(awsaccesskeyid|signature)$/i.test(key))
  if (signed.length === 0 && keys.length === 0 && !old) return null
  if (old || lines.length > 1 || (signed.length > 0 && keys.length > 0)) return 'unreadable'
  const [line] = signed
  if (line === undefined) return fromQuery(query)
  const match =
    /^AWS4-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=[^,\s]+, *Signature=[0-9a-f]{64}$/.exec(
      line.trim(),
    )
  return scoped(match?.[1], 'header')
}

/**
 * An upload from a browser, which S3 takes in `multipart/form-data` alone: who signs it stands in fields of the body, beside its data.
 * Other stores that speak S3 look for the type anywhere in the header.
 */
export function isSignedForm(method: string, headers: Pairs): boolean {
  if (method.toUpperCase() !== 'POST') return false
  return headers.some(([name, value]) => plainName(name) === 'content-type' && /multipart\//i.test(value))
}

function fromQuery(query: Pairs): JobSignature | 'unreadable' {
  const one = (name: string) => {
    const all = query.filter(([key]) => key.toLowerCase() === name)
    return all.length === 1 && all[0]?.[0] === CASED.get(name) ? all[0]?.[1] : undefined
  }
  if (one('x-amz-algorithm') !== 'AWS4-HMAC-SHA256' || one('x-amz-signature') === undefined)
    return 'unreadable'
  return scoped(one('x-amz-credential'), 'query')
}

const CASED = new Map(
  ['X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature'].map((name) => [name.toLowerCase(), name]),
)

function scoped(credential: string | undefined, where: JobSignature['where']): JobSignature | 'unreadable' {
  const [, accessKeyId, region, service] =
    /^([^/]+)\/\d{8}\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request$/.exec(credential ?? '') ?? []
  if (accessKeyId === undefined || region === undefined || service === undefined) return 'unreadable'
  return { accessKeyId, region, service, where }
}

/** What a signature in the query consists of; the rest of the query is the request's own. */
const SIGNING = new Set(
  [
    'algorithm',
    'credential',
    'date',
    'expires',
    'signedheaders',
    'signature',
    'security-token',
    'content-sha256',
  ].map((key) => `x-amz-${key}`),
)

export function withoutSignature(query: Pairs): Pairs {
  return query.filter(([key]) => !SIGNING.has(key.toLowerCase()))
}
