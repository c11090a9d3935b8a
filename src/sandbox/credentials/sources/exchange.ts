import { type BadValue, readValue, type Secret } from '../../../credentials/index.js'
import { CredentialError } from '../../../errors/index.js'
import type { ExchangeSource } from '../../../policy/index.js'
import { fetchBounded } from './bounded-fetch.js'
import { given } from './plain.js'
import { SKEW_MS, type SourceWorld } from './world.js'

export interface Minted {
  readonly value: Secret
  /** ms since 1970; `null`: the server did not say */
  readonly expiresAt: number | null
  /** asks the server to forget the token; `null`: it has no way to. Never throws. */
  readonly revoke: (() => Promise<boolean>) | null
}

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'
const MOST_ANSWER = 64 * 1024
const REVOKE_MS = 5000

/**
 * Exchanges a token (RFC 8693) for one that the gateway uses.
 * @throws CredentialError when there is nothing to exchange, the server refuses, or what it gave is not what was asked for
 */
export async function exchange(name: string, source: ExchangeSource, world: SourceWorld): Promise<Minted> {
  const oauth = await import('oauth4webapi')
  const subject = checked(readValue(name, ...pair(await given(name, source.subject, world))))
  const token = subject.reveal() ?? ''
  const expiry = claims(token)?.exp
  if (typeof expiry === 'number' && expiry * 1000 + SKEW_MS <= world.now())
    throw new CredentialError(
      'credential.expired',
      `the token that credentials.${name} is exchanged from has expired.`,
      'Renew it at its source.',
    )
  const auth = await authentication(name, source, world, oauth)
  const server = {
    issuer: new URL(source.endpoint).origin,
    token_endpoint: source.endpoint,
    ...(source.revocation === null ? {} : { revocation_endpoint: source.revocation }),
  }
  const client = { client_id: source.client.id }
  const options = {
    signal: world.signal,
    [oauth.allowInsecureRequests]: new URL(source.endpoint).protocol === 'http:',
    [oauth.customFetch]: bounded(world),
  }
  const answer = await asking(name, source, async () => {
    const response = await oauth.genericTokenEndpointRequest(
      server,
      client,
      auth,
      GRANT,
      form(source, token),
      options,
    )
    return oauth.processGenericTokenEndpointResponse(server, client, response)
  })
  const value = checked(
    readValue(name, answer.access_token, `the exchange at ${new URL(source.endpoint).host}`),
  )
  const minted = value.reveal() ?? ''
  const revoke = source.revocation === null ? null : revoking(minted)
  const fault = faultOf(answer, minted, source, world.now())
  if (fault !== null) {
    await revoke?.()
    throw new CredentialError(
      'credential.exchange',
      `the exchange for credentials.${name} ${fault[0]}`,
      fault[1],
    )
  }
  return { value, expiresAt: expiryOf(answer, minted, world.now()), revoke }

  function revoking(minted: string) {
    return async () => {
      try {
        // the run's own signal may have ended it: that is when tokens are revoked
        const signal = AbortSignal.timeout(REVOKE_MS)
        const response = await oauth.revocationRequest(server, client, auth, minted, { ...options, signal })
        await oauth.processRevocationResponse(response)
        return true
      } catch {
        return false
      }
    }
  }
}

type OAuth = typeof import('oauth4webapi')

async function authentication(name: string, { client }: ExchangeSource, world: SourceWorld, oauth: OAuth) {
  if (client.secret === null) return oauth.None()
  const secret = checked(readValue(name, ...pair(await given(name, client.secret, world))))
  return oauth.ClientSecretBasic(secret.reveal() ?? '')
}

function form(
  { subjectType, audience, resource, scope }: ExchangeSource,
  token: string,
): Record<string, string> {
  const optional = { audience, resource, scope }
  return {
    subject_token: token,
    subject_token_type: subjectType,
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)) as Record<
      string,
      string
    >),
  }
}

function bounded(world: SourceWorld) {
  return async (url: string, init: object): Promise<Response> => {
    const { status, headers, text } = await fetchBounded(world, url, init as RequestInit, MOST_ANSWER)
    return new Response([204, 304].includes(status) ? null : text, { status, headers })
  }
}

/** Every failure becomes a sentence of our own words: a server may repeat what it was sent. */
async function asking<T>(name: string, { endpoint }: ExchangeSource, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    const { host } = new URL(endpoint)
    const said = (error as { error?: unknown }).error
    const code = typeof said === 'string' && /^[a-z_]{1,64}$/.test(said) ? said : null
    const why = code === null ? 'could not be asked, or gave no answer that can be read' : `refused (${code})`
    const advice = code === 'invalid_grant' ? 'Look whether the token that is exchanged has expired.' : ''
    throw new CredentialError(
      'credential.exchange',
      `the exchange for credentials.${name}: ${host} ${why}.`,
      advice,
    )
  }
}

/** The sooner of what the server says and what its token does. ms since 1970; `null`: neither says */
function expiryOf(answer: { readonly expires_in?: number }, token: string, now: number): number | null {
  const exp = claims(token)?.exp
  const ends = [
    ...(answer.expires_in === undefined ? [] : [now + answer.expires_in * 1000]),
    // one that is over by this clock was accepted because clocks differ, and has as long as they may
    ...(typeof exp === 'number' ? [exp * 1000 > now ? exp * 1000 : exp * 1000 + SKEW_MS] : []),
  ]
  return ends.length === 0 ? null : Math.min(...ends)
}

interface Claims {
  readonly exp?: unknown
  readonly nbf?: unknown
  readonly aud?: unknown
}

/** What a JWT says of itself. Not verified: it is what its own server gave, over TLS. `null`: it is no JWT. */
function claims(token: string): Claims | null {
  const [, body, ...rest] = token.split('.')
  if (body === undefined || rest.length !== 1) return null
  try {
    const value: unknown = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? value : null
  } catch {
    return null
  }
}

function faultOf(
  answer: { readonly issued_token_type?: unknown; readonly expires_in?: number },
  token: string,
  source: ExchangeSource,
  now: number,
): readonly [string, string] | null {
  const type = answer.issued_token_type
  if (type !== undefined && !/:(access_token|jwt)$/.test(String(type)))
    return ['gave a token of another type.', 'Look at what the client may ask for.']
  if (answer.expires_in !== undefined && !(answer.expires_in > 0))
    return ['gave a token that has expired.', '']
  const said = claims(token)
  if (said === null) return null
  const audiences = [said.aud].flat()
  // what says no audience is taken by everybody who trusts that server
  if (source.audience !== null && said.aud === undefined)
    return [
      'gave a token that names no audience, although one was asked for.',
      'Let the server write `aud` into it, or leave out `audience`.',
    ]
  if (source.audience !== null && !audiences.includes(source.audience))
    return ['gave a token for another audience.', 'Write the `audience` that the server knows.']
  if (typeof said.exp === 'number' && said.exp * 1000 + SKEW_MS <= now)
    return ['gave a token that has expired.', 'Compare the clocks.']
  return typeof said.nbf === 'number' && said.nbf * 1000 - SKEW_MS > now
    ? ['gave a token that is not valid yet.', 'Compare the clocks.']
    : null
}

function pair({ text, from }: { readonly text: string; readonly from: string }): [string, string] {
  return [text, from]
}

export function checked<T extends object>(answer: T | BadValue): T {
  if ('what' in answer && 'code' in answer) throw new CredentialError(answer.code, answer.what, answer.advice)
  return answer as T
}
