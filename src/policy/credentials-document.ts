import { formatDuration } from '../units/index.js'
import type { CredentialPolicy, CredentialSource, CredentialUse, PlainSource } from './credential-policy.js'
import { hostText } from './credentials.js'
import type { PolicyDocument } from './schema.js'

type WrittenCredentials = NonNullable<PolicyDocument['credentials']>
type WrittenSource = WrittenCredentials[string]['source']
type WrittenPlain =
  | Extract<WrittenSource, 'caller'>
  | Omit<Exclude<WrittenSource, 'caller'>, 'exchange' | 'assumeRole'>

/** The section as a file would spell it. It holds no value of any secret: a policy has none. */
export function credentialsDocument(credentials: readonly CredentialPolicy[]): WrittenCredentials {
  return Object.fromEntries(
    credentials.map((each) => [
      each.name,
      {
        source: source(each.source),
        hosts: each.hosts.map(hostText),
        use: use(each.use),
        ...(each.methods === null ? {} : { methods: [...each.methods] }),
        ...(each.paths === null ? {} : { paths: [...each.paths] }),
        ...(each.ttlMs === null ? {} : { ttl: formatDuration(each.ttlMs) }),
        ...(each.uses === null ? {} : { uses: each.uses }),
        onReflection: each.onReflection,
      },
    ]),
  )
}

function plain(from: PlainSource): WrittenPlain {
  if (from.kind === 'caller') return 'caller'
  if (from.kind === 'env') return { env: from.variable }
  if (from.kind === 'file') return { file: from.path, shared: from.shared }
  return { command: [...from.argv], timeout: formatDuration(from.timeoutMs) }
}

function source(from: CredentialSource): WrittenSource {
  if (from.kind === 'exchange')
    return {
      exchange: {
        endpoint: from.endpoint,
        subject: plain(from.subject),
        subjectType: from.subjectType,
        ...present({ audience: from.audience, resource: from.resource, scope: from.scope }),
        client: {
          id: from.client.id,
          ...(from.client.secret === null ? {} : { secret: plain(from.client.secret) }),
        },
        ...present({ revocation: from.revocation }),
      },
    }
  if (from.kind === 'assumeRole')
    return {
      assumeRole: {
        role: from.role,
        actions: [...from.actions],
        resources: [...from.resources],
        region: from.region,
        using: plain(from.using),
        ...present({ externalId: from.externalId, endpoint: from.endpoint }),
        duration: formatDuration(from.durationMs),
      },
    }
  return plain(from)
}

function present<Key extends string>(values: Record<Key, string | null>): { [K in Key]?: string } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as {
    [K in Key]?: string
  }
}

function use(how: CredentialUse): WrittenCredentials[string]['use'] {
  switch (how.kind) {
    case 'bearer':
      return 'bearer'
    case 'basic':
      return how.user === null ? 'basic' : { basic: { user: how.user } }
    case 'header':
      return { header: how.name }
    case 'query':
      return { query: how.key }
    case 'placeholder':
      return { placeholder: { in: [...how.in] } }
    case 'aws-sigv4': {
      const { kind: _, ...keys } = how
      return { 'aws-sigv4': keys }
    }
  }
}
