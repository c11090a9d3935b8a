import { type Issue, type Material, Secret } from '../../../credentials/index.js'
import type { CredentialIssue, IssuedValue } from '../../messages.js'

/** A value as it was sent, in what prints as its name alone. */
export function materialOf(name: string, value: IssuedValue): Material {
  if (value.kind === 'value') return { kind: 'value', value: new Secret(name, value.value) }
  const { accessKeyId, secret, sessionToken } = value
  const keys = {
    accessKeyId,
    secret: new Secret(name, secret),
    sessionToken: sessionToken === null ? null : new Secret(name, sessionToken),
    expiresAt: null,
  }
  return { kind: 'aws', keys }
}

/** @param now monotonic, ms: what `livesMs` counts from */
export function issueOf({ grant, placeholder, value, livesMs }: CredentialIssue, now: number): Issue {
  return {
    grant,
    placeholder,
    material: materialOf(grant.name, value),
    expiresAt: livesMs === null ? null : now + livesMs,
  }
}
