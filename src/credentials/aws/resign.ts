import { held } from '../../plan/index.js'
import type { Held, Material } from '../held.js'
import { decoded, type Pairs, type RequestHead, rawQuery, splitTarget, without } from '../request.js'
import { Secret } from '../secret.js'
import { type CredentialDenial, denied } from '../verdicts.js'
import { ChunkSigner } from './chunks.js'
import { copiesWithin } from './copies.js'
import { isSignedForm, jobSignature, withoutSignature } from './job-signature.js'
import { amzDate, canonicalQuery, escaped, type Scope, sign } from './sign.js'

/** A head that waits for its signature. */
export interface HeadSigner {
  readonly name: string
  /** the most of a body that is held to be hashed, bytes; `null`: the job said what its hash is */
  readonly holdsBody: number | null
  /**
   * @param bodyHash SHA-256 of the body in hex, where it was held
   * @returns the head, and what the body goes through; or that the keys are gone
   */
  sign(bodyHash: string | null): SignedHead | CredentialDenial
}

export interface SignedHead {
  readonly target: string
  readonly headers: Pairs
  readonly chunks: ChunkSigner | null
}

/** What a body may weigh whose hash the job does not say, bytes; no service but S3, where it must, takes more. */
export const MOST_HELD = 16 * 1024 * 1024

const STREAMED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
/** Said in place of a hash. `STREAMING-UNSIGNED-…`: its chunks have no signatures. */
const SAID =
  /^([0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-UNSIGNED-PAYLOAD-TRAILER|STREAMING-AWS4-HMAC-SHA256-PAYLOAD(-TRAILER)?)$/

const FOREIGN = denied(
  'denySignature',
  null,
  'the request is signed with keys that no credential for it stands for',
)
const refusesForeign = () => held('credential-signatures')

/** @param here credentials of the host; `null`: the request is no form that would bring a signature of its own */
export function formOfS3(here: readonly Held[], { method, headers }: RequestHead): CredentialDenial | null {
  const isS3 = here.some(({ grant: { use } }) => use.kind === 'aws-sigv4' && use.service.startsWith('s3'))
  return isS3 && refusesForeign() && isSignedForm(method, headers)
    ? denied(
        'denySignature',
        null,
        'a form brings keys and a signature of its own to S3: upload with `PUT`, signed in its head',
      )
    : null
}

/**
 * The job's own signature taken off, and what is needed for ours; `null`: the request is not signed, and goes on so.
 * A signature with any other keys is refused: they would be somebody's, to bring data out under the very name that is allowed.
 */
export function signer(
  fitting: readonly Held[],
  request: RequestHead,
  date: number,
): HeadSigner | CredentialDenial | null {
  const { path, query } = splitTarget(request.target)
  const pairs = rawQuery(query).map(([key, value]) => [decoded(key), decoded(value ?? '')] as const)
  const readable = pairs.filter((pair): pair is [string, string] => pair[0] !== null && pair[1] !== null)
  const job = jobSignature(request.headers, readable)
  if (job === null) return null
  if (job === 'unreadable' || readable.length !== pairs.length)
    return denied('denySignature', null, 'the request is signed in a way other than AWS4-HMAC-SHA256')
  const held = fitting.find(
    (each) => each.grant.use.kind === 'aws-sigv4' && each.placeholder === job.accessKeyId,
  )
  const use = held?.grant.use
  if (held === undefined || use?.kind !== 'aws-sigv4') return refusesForeign() ? FOREIGN : null
  const { name } = held.grant
  if (job.region !== use.region || job.service !== use.service) {
    const hint = `credentials.${name} is for ${use.service} in ${use.region}, and the request for ${job.service} in ${job.region}`
    return denied('denySignature', name, hint)
  }
  if (
    !copiesWithin(held.grant, request.headers, readable, (path, patterns) => request.pathFits(patterns, path))
  )
    return denied(
      'denySignature',
      name,
      `the source that it copies from is none that credentials.${name} is for: its hosts, \`GET\` and \`paths\` would have to have it`,
    )
  if (job.where === 'query' && !use.presigned)
    return denied('denyPresigned', name, `write \`presigned: true\` in the use of credentials.${name}`)
  const said = job.where === 'query' ? 'UNSIGNED-PAYLOAD' : headerOf(request.headers, 'x-amz-content-sha256')
  if (said !== null && !SAID.test(said))
    return denied('denySignature', name, 'the body is signed in a way that is not known')
  if (said === null && use.service === 's3')
    return denied(
      'denySignature',
      name,
      'the request does not say how its body is signed (x-amz-content-sha256)',
    )
  const target = { path: use.service === 's3' ? spelledPath(path) : path, query: withoutSignature(readable) }
  if (target.path === null) return denied('denySignature', name, 'the path has an escape that is none')
  const ready = { path: target.path, query: target.query }
  const granted = copyOf(held.material)
  return {
    name,
    holdsBody: said === null ? MOST_HELD : null,
    sign(bodyHash) {
      // the last use was granted before its body was whole, and the use ended the lease, which dropped the keys
      const material = held.lease.state.ended === 'uses' ? granted : held.material
      return signed({ ...held, material }, request, ready, use, said ?? bodyHash ?? '', date)
    },
  }
}

function copyOf(material: Material): Material {
  if (material.kind !== 'aws') return material
  const { secret, sessionToken, ...rest } = material.keys
  const again = (each: Secret) => new Secret(each.name, each.reveal() ?? '')
  return {
    kind: 'aws',
    keys: {
      ...rest,
      secret: again(secret),
      sessionToken: sessionToken === null ? null : again(sessionToken),
    },
  }
}

function signed(
  { grant, material }: Held,
  request: RequestHead,
  { path, query }: { path: string; query: Pairs },
  scope: Scope,
  payloadHash: string,
  now: number,
): SignedHead | CredentialDenial {
  const keys = material.kind === 'aws' ? material.keys : null
  const secretAccessKey = keys?.secret.reveal() ?? null
  if (keys === null || secretAccessKey === null || secretAccessKey === '')
    return denied('denyCredentialEnded', grant.name, `the keys of credentials.${grant.name} are gone`)
  const sessionToken = keys.sessionToken?.reveal() ?? null
  const date = amzDate(now)
  const own: Pairs = [
    ['x-amz-date', date],
    ...(scope.service === 's3' ? [['x-amz-content-sha256', payloadHash] as const] : []),
    ...(sessionToken === null ? [] : [['x-amz-security-token', sessionToken] as const]),
  ]
  let kept = request.headers
  for (const name of ['authorization', 'date', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'])
    kept = without(kept, name)
  const headers = [...kept, ...own]
  const host = request.port === 443 ? request.host : `${request.host}:${request.port}`
  const toSign = { method: request.method, path, query, headers: signedHeaders(headers, host), payloadHash }
  const signature = sign(
    toSign,
    { accessKeyId: keys.accessKeyId, secretAccessKey, sessionToken },
    scope,
    date,
  )
  return {
    target: query.length === 0 ? path : `${path}?${canonicalQuery(query)}`,
    headers: [...headers, ['authorization', signature.authorization]],
    chunks: payloadHash.startsWith(STREAMED)
      ? new ChunkSigner(signature, payloadHash.endsWith('-TRAILER'))
      : null,
  }
}

/** What is signed: the host, and what AWS acts on. The rest may change on its way. */
function signedHeaders(headers: Pairs, host: string): Pairs {
  const merged = new Map<string, string>([['host', host]])
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (lower !== 'content-type' && lower !== 'content-md5' && !lower.startsWith('x-amz-')) continue
    const before = merged.get(lower)
    merged.set(lower, before === undefined ? value : `${before},${value}`)
  }
  return [...merged]
}

function headerOf(headers: Pairs, name: string): string | null {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1].trim() ?? null
}

/** The path as S3 spells it: what is signed is what is sent. */
function spelledPath(path: string): string | null {
  try {
    return path
      .split('/')
      .map((segment) => escaped(decodeURIComponent(segment)))
      .join('/')
  } catch {
    return null
  }
}
