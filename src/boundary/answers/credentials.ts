import { type Answer, enforcedBy, type RequirementId } from '../../plan/index.js'
import { by } from './mechanisms.js'

type CredentialId = Extract<RequirementId, `credentials.${string}`>

/** All of it the gateway's doing, and of whoever writes down what it tells. A missing line does not compile. */
export const credentialAnswers: { readonly [Id in CredentialId]: () => Answer } = {
  'credentials.never-inside': () =>
    enforcedBy(
      by(
        'placeholders in the job’s environment; values go to the gateway by a socket without a name',
        'credential-placeholders',
      ),
    ),
  'credentials.bound-to-host': () =>
    enforcedBy(
      by(
        'the gateway puts a value into requests that fit its credential, and into no other',
        'credential-hosts',
        'credential-methods',
        'credential-paths',
      ),
      by('TLS ends in the gateway, which verified the host before', 'credential-tls', 'gateway-certificates'),
      by(
        'what the job has in the place of a value is taken off, and a signature with other keys refused',
        'credential-alone',
        'credential-signatures',
      ),
    ),
  'credentials.no-placeholder-elsewhere': () =>
    enforcedBy(
      by(
        'the gateway looks for placeholders and values, wrapped as they may be, in heads and bodies of every request',
        'credential-heads',
        'credential-bodies',
      ),
      by('a placeholder that is not of this sandbox is refused as such', 'credential-foreign'),
    ),
  'credentials.leased': () =>
    enforcedBy(
      by(
        'leases in the gateway, which counts uses and time, and drops the value',
        'credential-time',
        'credential-uses',
        'credential-revocation',
      ),
      by('requests under way are closed', 'credential-streams'),
    ),
  'credentials.no-reflection': () =>
    enforcedBy(
      by(
        'the gateway looks for values in heads and bodies of answers, unpacked',
        'credential-answer-heads',
        'credential-answer-bodies',
        'credential-unpacking',
      ),
    ),
  'credentials.not-written': () =>
    enforcedBy(
      by('the gateway takes values out of what it tells', 'credential-records'),
      by('so does whoever writes reports, errors and messages', 'credential-reports'),
    ),
}
