import type { CredentialLease } from '../report/index.js'

/** What of leases a person has to know, whatever else the run came to. */
export function leaseSentences(leases: readonly CredentialLease[]): string[] {
  return leases.flatMap(({ name, revoked, why }) => [
    ...(why === undefined ? [] : [`credentials.${name} was revoked: ${why}`]),
    ...(revoked === false
      ? [
          `What was minted for credentials.${name} could not be revoked at its server: it lives until it expires. Revoke it there.`,
        ]
      : []),
  ])
}
