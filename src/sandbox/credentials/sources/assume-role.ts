import { setTimeout as wait } from 'node:timers/promises'
import {
  type AwsKeys,
  amzDate,
  assumeRoleBody,
  readAwsKeys,
  readStsAnswer,
  sha256,
  sign,
} from '../../../credentials/index.js'
import { CredentialError } from '../../../errors/index.js'
import type { AssumeRoleSource } from '../../../policy/index.js'
import { type Answer, fetchBounded } from './bounded-fetch.js'
import { checked } from './exchange.js'
import { given } from './plain.js'
import type { SourceWorld } from './world.js'

const MOST_ANSWER = 64 * 1024
const FIRST_WAIT_MS = 200
/** Further apart, STS refuses what was signed. */
const MOST_SKEW_MS = 5 * 60_000

/** Whose keys they are: it stands in the account's trail. */
export interface Whose {
  readonly sandbox: string
  readonly tenant: string | null
}

/**
 * Keys of a role, bounded by a session policy. Throttling and outages are waited out as long as the signal lets.
 * @throws CredentialError when STS refuses, or does not answer in time
 */
export async function assumeRole(
  name: string,
  source: AssumeRoleSource,
  whose: Whose,
  world: SourceWorld,
): Promise<AwsKeys> {
  const { text, from } = await given(name, source.using, world, true)
  const base = checked(readAwsKeys(name, text, from, world.now()))
  for (const each of [base.secret, base.sessionToken]) world.heard?.(name, each?.reveal() ?? '')
  const url = new URL(source.endpoint ?? stsOf(source.region))
  const body = assumeRoleBody({ source, ...whose })
  for (let pause = FIRST_WAIT_MS; ; pause *= 2) {
    const answer = await asked(url, body, base, source.region, world)
    const read =
      answer === null
        ? ({ kind: 'later', why: 'STS did not answer' } as const)
        : readStsAnswer(name, answer.status, answer.text, world.now())
    if (read.kind === 'keys') return read.keys
    const skew = answer === null ? null : skewOf(answer, world.now())
    if (read.kind === 'refused')
      throw new CredentialError(
        'credential.assumeRole',
        `keys for credentials.${name}: ${read.why}.`,
        skew ?? adviceFor(read.why),
      )
    try {
      // not all at once, when many runs wait for one account
      await wait(pause * (0.5 + Math.random() / 2), undefined, { signal: world.signal })
    } catch {
      throw new CredentialError(
        'credential.assumeRole',
        `keys for credentials.${name}: ${read.why}, and there was no more time.`,
      )
    }
  }
}

function stsOf(region: string): string {
  return `https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`
}

async function asked(
  url: URL,
  body: string,
  base: AwsKeys,
  region: string,
  world: SourceWorld,
): Promise<Answer | null> {
  const date = amzDate(world.now())
  const sessionToken = base.sessionToken?.reveal() ?? null
  const headers: [string, string][] = [
    ['content-type', 'application/x-www-form-urlencoded; charset=utf-8'],
    ['x-amz-date', date],
    ...(sessionToken === null ? [] : [['x-amz-security-token', sessionToken] as [string, string]]),
  ]
  const keys = { accessKeyId: base.accessKeyId, secretAccessKey: base.secret.reveal() ?? '', sessionToken }
  const request = {
    method: 'POST',
    path: url.pathname,
    query: [],
    headers: [...headers, ['host', url.host] as const],
    payloadHash: sha256(body),
  }
  const { authorization } = sign(request, keys, { region, service: 'sts' }, date)
  try {
    return await fetchBounded(
      world,
      url.href,
      { method: 'POST', body, headers: [...headers, ['authorization', authorization]] },
      MOST_ANSWER,
    )
  } catch {
    return null
  }
}

function skewOf({ headers }: Answer, now: number): string | null {
  const said = Date.parse(headers.get('date') ?? '')
  const apart = Math.abs(said - now)
  return apart > MOST_SKEW_MS
    ? `The clocks of this machine and of STS are ${Math.round(apart / 60_000)} minutes apart: set this one.`
    : null
}

function adviceFor(why: string): string {
  if (why.includes('AccessDenied'))
    return 'Let the role trust who asks: sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity.'
  return why.includes('Expired') ? 'Renew the keys that ask.' : ''
}
