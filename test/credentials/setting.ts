/** Credentials of one sandbox, as the gateway holds them, without a gateway. */
import {
  type Attached,
  type Attaching,
  attach,
  type CredentialGrant,
  type CredentialVerdict,
  HeldCredentials,
  type Material,
  makePlaceholder,
  type RequestHead,
  Secret,
} from '../../src/credentials/index.js'

export const VALUE = 'sk-live-4eC39HqLyjWDarjtT1zdp7dc'
export const HOST = 'api.test'

export function grant(more: Partial<CredentialGrant> = {}): CredentialGrant {
  return {
    name: 'TOKEN',
    hosts: [{ name: HOST, port: 443 }],
    use: { kind: 'bearer' },
    methods: null,
    paths: null,
    ttlMs: null,
    uses: null,
    onReflection: 'cut',
    ...more,
  }
}

export const value = (name = 'TOKEN', text = VALUE): Material => ({
  kind: 'value',
  value: new Secret(name, text),
})

export const AWS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  token: 'IQoJb3JpZ2luX2VjEXAMPLETOKEN==',
}

export const awsKeys = (token: string | null = AWS.token): Material => ({
  kind: 'aws',
  keys: {
    accessKeyId: AWS.accessKeyId,
    secret: new Secret('AWS', AWS.secret),
    sessionToken: token === null ? null : new Secret('AWS', token),
    expiresAt: null,
  },
})

export function holding(
  ...issues: readonly (readonly [Partial<CredentialGrant>, Material?])[]
): HeldCredentials {
  return new HeldCredentials(
    issues.map(([more, material]) => ({
      grant: grant(more),
      placeholder: makePlaceholder(),
      material: material ?? value(more.name),
      expiresAt: null,
    })),
    0,
  )
}

export const placeholderOf = (held: HeldCredentials, name = 'TOKEN') => held.find(name)?.placeholder ?? ''

export function request(more: Partial<RequestHead> = {}): RequestHead {
  return {
    method: 'GET',
    host: HOST,
    port: 443,
    secure: true,
    target: '/a?b=c',
    headers: [['Host', HOST]],
    pathFits: () => true,
    ...more,
  }
}

export const NOW = { monotonic: 0, date: Date.UTC(2030, 0, 2, 3, 4, 5) }

export function ask(held: HeldCredentials, more: Partial<RequestHead> = {}, at = 0): Attaching {
  return attach(held, request(more), { ...NOW, monotonic: at })
}

export function attached(held: HeldCredentials, more: Partial<RequestHead> = {}): Attached {
  const answer = ask(held, more)
  if (answer.kind === 'denied') throw new Error(`was denied: ${answer.verdict}, ${answer.hint}`)
  return answer
}

export function verdict(
  held: HeldCredentials,
  more: Partial<RequestHead> = {},
  at = 0,
): CredentialVerdict | null {
  const answer = ask(held, more, at)
  return answer.kind === 'denied' ? answer.verdict : null
}

export const header = ({ headers }: { headers: readonly (readonly [string, string])[] }, name: string) =>
  headers.filter(([each]) => each.toLowerCase() === name).map(([, text]) => text)
