import { LONGEST_VALUE, SHORTEST_VALUE } from './scan/wrappings.js'
import { Secret } from './secret.js'

/** Why a value can't be used, in a sentence that never holds it. */
export interface BadValue {
  /** stable, `credential.…` */
  readonly code: string
  readonly what: string
  readonly advice: string
}

/** Keys of AWS: one value for whoever hands it on, two or three for whoever signs. */
export interface AwsKeys {
  readonly accessKeyId: string
  readonly secret: Secret
  readonly sessionToken: Secret | null
  /** ms since 1970; `null`: not said */
  readonly expiresAt: number | null
}

/**
 * A value as a source gave it: one line end at its end belongs to the file, not to the value.
 * @param from what gave it, for the sentence: `the variable X`, `the command /bin/pass`
 */
export function readValue(name: string, text: string, from: string): Secret | BadValue {
  const value = text.replace(/\r?\n$/, '')
  const fault = valueFault(value)
  return fault === null ? new Secret(name, value) : bad(fault, from)
}

/**
 * A value that is `user:password`. The password alone is looked for as well: hosts repeat it without the user.
 * @param from as in {@link readValue}
 */
export function readPair(name: string, text: string, from: string): Secret | BadValue {
  const value = readValue(name, text, from)
  return value instanceof Secret ? (pairFault(value, from) ?? value) : value
}

/** @param from as in {@link readValue} */
export function pairFault(pair: Secret, from: string): BadValue | null {
  const password = passwordOf(pair.reveal() ?? '')
  if (password === null)
    return {
      code: 'credential.pair',
      what: `${from} gave a value without a colon, and \`use: basic\` is for \`user:password\`.`,
      advice: 'Let it give the pair, or write the user in the policy: `use: {basic: {user: NAME}}`.',
    }
  const fault = valueFault(password)
  if (fault === null) return null
  return {
    code: fault[0],
    what: `${from} gave \`user:password\`, and for the password it ${fault[1]}.`,
    advice: 'Let it give one line with the pair alone.',
  }
}

/** Of `user:password`, what stands behind the first colon: no user has one (RFC 7617, 2). */
export function passwordOf(pair: string): string | null {
  const at = pair.indexOf(':')
  return at === -1 ? null : pair.slice(at + 1)
}

function valueFault(value: string): readonly [code: string, what: string] | null {
  if (value.trim() === '') return ['credential.empty', 'gave an empty value']
  if (/[\r\n]/.test(value)) return ['credential.lines', 'gave more than one line']
  // a header would carry it cut, or as something else
  if (!/^[\x20-\x7e]+$/.test(value)) return ['credential.characters', 'gave characters beyond visible ASCII']
  if (value !== value.trim()) return ['credential.characters', 'gave a value with spaces around']
  if (value.length < SHORTEST_VALUE)
    return [
      'credential.short',
      `gave fewer than ${SHORTEST_VALUE} characters, which can't be told from ordinary text`,
    ]
  return value.length > LONGEST_VALUE
    ? ['credential.long', `gave more than ${LONGEST_VALUE} characters`]
    : null
}

function bad([code, what]: readonly [string, string], from: string): BadValue {
  return { code, what: `${from} ${what}.`, advice: 'Let it give one line with the value alone.' }
}

const ACCESS_KEY_ID = /^[A-Za-z0-9_-]{8,128}$/

/**
 * `ID:SECRET` or `ID:SECRET:SESSION_TOKEN`, or the JSON that `credential_process` of AWS prints.
 * @param now ms since 1970; keys that have expired are none
 */
export function readAwsKeys(name: string, text: string, from: string, now: number): AwsKeys | BadValue {
  const parts = text.trimStart().startsWith('{') ? fromJson(text) : fromLine(text)
  if (parts === null || !ACCESS_KEY_ID.test(parts.id))
    return {
      code: 'credential.awsKeys',
      what: `${from} gave no keys of AWS.`,
      advice: 'Let it give ID:SECRET, ID:SECRET:TOKEN, or what credential_process prints.',
    }
  const faults = [parts.secret, ...(parts.token === null ? [] : [parts.token])].map(valueFault)
  const fault = faults.find((each) => each !== null)
  if (fault) return bad(fault, from)
  if (parts.expires !== null && !(parts.expires > now))
    return {
      code: 'credential.expired',
      what: `${from} gave keys that have expired.`,
      advice: 'Renew them there.',
    }
  return {
    accessKeyId: parts.id,
    secret: new Secret(name, parts.secret),
    sessionToken: parts.token === null ? null : new Secret(name, parts.token),
    expiresAt: parts.expires,
  }
}

interface Parts {
  readonly id: string
  readonly secret: string
  readonly token: string | null
  readonly expires: number | null
}

function fromLine(text: string): Parts | null {
  const [id = '', secret = '', token, ...more] = text.replace(/\r?\n$/, '').split(':')
  return more.length > 0 || secret === '' ? null : { id, secret, token: token ?? null, expires: null }
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html */
function fromJson(text: string): Parts | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const {
    AccessKeyId: id,
    SecretAccessKey: secret,
    SessionToken: token,
    Expiration: until,
  } = value as Record<string, unknown>
  if (typeof id !== 'string' || typeof secret !== 'string') return null
  if (token !== undefined && typeof token !== 'string') return null
  const expires = until === undefined ? null : typeof until === 'string' ? Date.parse(until) : Number.NaN
  return { id, secret, token: token ?? null, expires }
}
