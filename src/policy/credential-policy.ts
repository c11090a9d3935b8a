/** The section `credentials` in its checked form: secrets that the job may use and not see. */
import type { HostName } from './host-name.js'

/** Where a value comes from by itself. */
export type PlainSource =
  /** given with the run: `secrets: {NAME: value}` */
  | { readonly kind: 'caller' }
  /** a variable of Glovebox's own environment; for AWS keys the front of three: `AWS` is AWS_ACCESS_KEY_ID and so on */
  | { readonly kind: 'env'; readonly variable: string }
  /** `shared`: its group or others may read it */
  | { readonly kind: 'file'; readonly path: string; readonly shared: boolean }
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]]; readonly timeoutMs: number }

/** RFC 8693: a token is exchanged for another that can less, or lives shorter. */
export interface ExchangeSource {
  readonly kind: 'exchange'
  /** token endpoint */
  readonly endpoint: string
  readonly subject: PlainSource
  /** a token type of RFC 8693, section 3 */
  readonly subjectType: string
  readonly audience: string | null
  readonly resource: string | null
  readonly scope: string | null
  readonly client: { readonly id: string; readonly secret: PlainSource | null }
  /** RFC 7009; `null`: what was minted lives until it expires */
  readonly revocation: string | null
}

/** AWS STS: a role, and of what it may only what is written here. */
export interface AssumeRoleSource {
  readonly kind: 'assumeRole'
  readonly role: string
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly region: string
  /** the keys that ask */
  readonly using: PlainSource
  readonly externalId: string | null
  /** `null`: STS of the region */
  readonly endpoint: string | null
  /** lifetime asked for, ms; STS gives no less than 15 minutes */
  readonly durationMs: number
}

export type CredentialSource = PlainSource | ExchangeSource | AssumeRoleSource

/** The parts of a request in which a placeholder is swapped. */
export const SWAP_PLACES = ['headers', 'query', 'body'] as const
export type SwapPlace = (typeof SWAP_PLACES)[number]

export type CredentialUse =
  | { readonly kind: 'bearer' }
  /** `null`: the value is `user:password` itself */
  | { readonly kind: 'basic'; readonly user: string | null }
  /** lower-case */
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'query'; readonly key: string }
  | { readonly kind: 'placeholder'; readonly in: readonly SwapPlace[] }
  | {
      readonly kind: 'aws-sigv4'
      readonly region: string
      readonly service: string
      /** whether a request may be signed in its query */
      readonly presigned: boolean
    }

export const ON_REFLECTION = ['cut', 'redact'] as const
export type OnReflection = (typeof ON_REFLECTION)[number]

/** A name, never a pattern or an address: the host's certificate must say it. */
export interface CredentialHost {
  readonly name: Extract<HostName, { kind: 'name' }>['name']
  readonly port: number
}

export interface CredentialPolicy {
  /** the variable inside that holds the placeholder */
  readonly name: string
  readonly source: CredentialSource
  /** sorted */
  readonly hosts: readonly CredentialHost[]
  readonly use: CredentialUse
  /** upper-case; `null`: any */
  readonly methods: readonly string[] | null
  /** patterns as those of a rule; `null`: any */
  readonly paths: readonly string[] | null
  /** from its issue on, ms; `null`: as long as the sandbox */
  readonly ttlMs: number | null
  /** requests that carry it; `null`: any number */
  readonly uses: number | null
  readonly onReflection: OnReflection
}

/** What STS takes for a session policy, characters. */
export const SESSION_POLICY_LENGTH = 2048

/** The session policy of `assumeRole`: a role can do what it may and this allows, and nothing else. */
export function sessionPolicy({
  actions,
  resources,
}: Pick<AssumeRoleSource, 'actions' | 'resources'>): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: actions, Resource: resources }],
  })
}
