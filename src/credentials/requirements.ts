/**
 * The promises of credentials, each true or false of a running sandbox. They get their ids in `REQUIREMENT_IDS` with the gateway that
 * keeps them: a claim that no boundary can answer would be none.
 */
export const CREDENTIAL_PROMISES = {
  'credentials.never-inside':
    'No value of a credential is in the sandbox: its variables hold placeholders that are worth nothing elsewhere.',
  'credentials.bound-to-host':
    'A value goes to the hosts of its credential alone, over TLS whose certificate was verified, for its methods and paths.',
  'credentials.no-placeholder-elsewhere':
    'A placeholder on its way to any other host, or in another part of a request, is refused and recorded.',
  'credentials.leased':
    'A credential is refused once its time or its uses are over, it was revoked, or the sandbox or the gateway has ended.',
  'credentials.no-reflection': 'A response that carries a value ends before it, or goes on without it.',
  'credentials.not-written': 'No log, report, error or file of Glovebox holds a value.',
} as const
