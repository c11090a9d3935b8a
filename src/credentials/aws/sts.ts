/** What is asked of AWS STS, and how its answer is read. Pure. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
import { createHash } from 'node:crypto'
import { type AssumeRoleSource, sessionPolicy } from '../../policy/index.js'
import { type AwsKeys, readAwsKeys } from '../value.js'
import { escaped } from './sign.js'

export interface AssumeRoleRequest {
  readonly source: AssumeRoleSource
  /** id of the sandbox */
  readonly sandbox: string
  /** `null`: none was named */
  readonly tenant: string | null
}

/** The form: the role, its bounds, and whose it is, for the trail of the account. */
export function assumeRoleBody({ source, sandbox, tenant }: AssumeRoleRequest): string {
  const tags = [['glovebox-sandbox', sandbox], ...(tenant === null ? [] : [['glovebox-tenant', tenant]])]
  const identity = label(`glovebox-${sandbox}`, 64)
  const fields: (readonly [string, string])[] = [
    ['Action', 'AssumeRole'],
    ['Version', '2011-06-15'],
    ['RoleArn', source.role],
    ['RoleSessionName', identity],
    ['DurationSeconds', String(Math.floor(source.durationMs / 1000))],
    ['Policy', sessionPolicy(source)],
    ['SourceIdentity', identity],
    ...(source.externalId === null ? [] : [['ExternalId', source.externalId] as const]),
    ...tags.flatMap(([key = '', value = ''], index): (readonly [string, string])[] => [
      [`Tags.member.${index + 1}.Key`, key],
      [`Tags.member.${index + 1}.Value`, tagValue(value)],
    ]),
  ]
  return fields.map(([key, value]) => `${key}=${escaped(value)}`).join('&')
}

/** `[\w+=,.@-]*`; what is changed or cut gets a hash, so that two names stay two. */
function label(text: string, most: number): string {
  const plain = text.replace(/[^\w+=,.@-]/g, '_')
  return plain === text && plain.length <= most ? plain : `${plain.slice(0, most - 9)}.${short(text)}`
}

function tagValue(text: string): string {
  const plain = text.replace(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, '_')
  return plain === text && plain.length <= 256 ? plain : `${plain.slice(0, 247)}.${short(text)}`
}

function short(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

export type StsAnswer =
  | { readonly kind: 'keys'; readonly keys: AwsKeys }
  /** ask again, within the time there is */
  | { readonly kind: 'later'; readonly why: string }
  | { readonly kind: 'refused'; readonly why: string }

/** An answer of STS, bytes; one is about two thousand. */
export const MOST_ANSWER = 64 * 1024

const RETRIED = new Set([
  'Throttling',
  'ThrottlingException',
  'RequestThrottled',
  'RequestLimitExceeded',
  'ServiceUnavailable',
  'InternalFailure',
  'IDPCommunicationError',
])

/** No XML reader: each element that is wanted is there once and holds plain text, or it is no answer. */
export function readStsAnswer(name: string, status: number, text: string, now: number): StsAnswer {
  // a document type is how XML is made to say what does not stand there
  if (text.length > MOST_ANSWER || /<!(?:DOCTYPE|ENTITY|\[CDATA\[)/i.test(text))
    return { kind: 'refused', why: 'the answer of STS cannot be read' }
  if (status !== 200) {
    const code = element(text, 'Code')
    const said = code !== null && /^[A-Za-z]{1,64}$/.test(code) ? code : `status ${status}`
    const later = status === 429 || status >= 500 || (code !== null && RETRIED.has(code))
    return { kind: later ? 'later' : 'refused', why: `STS said ${said}` }
  }
  const of = (key: string) => element(text, key)
  const json = {
    AccessKeyId: of('AccessKeyId'),
    SecretAccessKey: of('SecretAccessKey'),
    SessionToken: of('SessionToken'),
    Expiration: of('Expiration'),
  }
  if (Object.values(json).includes(null)) return { kind: 'refused', why: 'the answer of STS has no keys' }
  const keys = readAwsKeys(name, JSON.stringify(json), 'STS', now)
  return 'what' in keys ? { kind: 'refused', why: keys.what.replace(/\.$/, '') } : { kind: 'keys', keys }
}

function element(text: string, name: string): string | null {
  const all = [...text.matchAll(new RegExp(`<${name}>([^<>&]{1,8192})</${name}>`, 'g'))]
  return all.length === 1 ? (all[0]?.[1]?.trim() ?? null) : null
}
