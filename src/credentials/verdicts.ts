import type { LeaseEnd } from './lease.js'

/** Why a request with a credential, or with what stands for one, goes no further: the network's words, which has their meanings. */
export type CredentialVerdict =
  | 'denyCredentialElsewhere'
  | 'denyCredentialEnded'
  | 'denySecret'
  | 'denySignature'
  | 'denyPresigned'
  | 'denyReflection'
  | 'denyEncoded'
  | 'denyBudget'

export interface CredentialDenial {
  readonly verdict: CredentialVerdict
  /** whose; `null`: of no credential of this sandbox */
  readonly name: string | null
  /** for the caller, never for the job */
  readonly hint: string | null
  /** answer to the job */
  readonly status: 403 | 502
}

const ENDED: Record<LeaseEnd, (name: string) => string> = {
  ttl: (name) => `the ttl of credentials.${name} is over: raise \`ttl\`, if the job may take as long`,
  uses: (name) => `the uses of credentials.${name} are spent: raise \`uses\`, if the job may use it as often`,
  expired: (name) => `what the source of credentials.${name} gave has expired`,
  revoked: (name) => `credentials.${name} was revoked`,
  sandbox: (name) => `the sandbox of credentials.${name} has ended`,
  gateway: (name) => `the gateway that held credentials.${name} has ended`,
}

export function ended(name: string, by: LeaseEnd): CredentialDenial {
  return { verdict: 'denyCredentialEnded', name, hint: ENDED[by](name), status: 403 }
}

export function denied(
  verdict: CredentialVerdict,
  name: string | null,
  hint: string | null,
): CredentialDenial {
  return {
    verdict,
    name,
    hint,
    status: verdict === 'denyReflection' || verdict === 'denyEncoded' ? 502 : 403,
  }
}
