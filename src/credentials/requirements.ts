import type { Requirement } from '../plan/index.js'
import type { CredentialPolicy } from '../policy/index.js'

/** What holds of the credentials of a sandbox that has some. */
export function credentialRequirements(credentials: readonly CredentialPolicy[]): Requirement[] {
  const applies = credentials.length > 0
  const promise = (id: Requirement['id'], sentence: string): Requirement => ({
    id,
    sentence,
    family: 'credentials',
    applies,
  })
  return [
    promise(
      'credentials.never-inside',
      'No value of a credential is in the sandbox: its variables hold placeholders that are worth nothing elsewhere.',
    ),
    promise(
      'credentials.bound-to-host',
      'A value goes to the hosts of its credential alone, over TLS whose certificate was verified, for its methods and paths, and with no other credential in its place.',
    ),
    promise(
      'credentials.no-placeholder-elsewhere',
      'In a request that the gateway reads, a placeholder on its way to any other host, or in another part of the request, is refused and recorded, and so is a value that a job has got hold of.',
    ),
    promise(
      'credentials.leased',
      'A credential is refused once its time or its uses are over, it was revoked, or the sandbox or the gateway has ended.',
    ),
    promise(
      'credentials.no-reflection',
      'A response of a host that receives a credential ends before a value, or goes on without it.',
    ),
    promise('credentials.not-written', 'No log, report, error or file of Glovebox holds a value.'),
  ]
}
