import * as z from 'zod/mini'
import * as bounds from './bounds.js'
import { ON_REFLECTION, SWAP_PLACES } from './credential-policy.js'
import { duration, flag, noted, number, oneOf, section, sentences, some, text } from './leaves.js'
import { methods, paths } from './schema-network.js'

/** The section `credentials`. What a source or a use needs of several keys is checked where it is read. */
export function credentials() {
  const error = () =>
    sentences(
      'is not a map.',
      'Write one such as {TOKEN: {source: caller, hosts: [api.example.com], use: bearer}}.',
    )
  const name = text(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    'is not the name of a variable.',
    'Use letters, digits and _, and no digit first.',
    { description: 'Name of the variable inside that holds the placeholder.' },
  )
  return noted(z.record(name, credential(), { error }), {
    description: 'Secrets that the job may use and not see: the gateway puts them into requests.',
    default: {},
  })
}

function credential() {
  const host = text(/^[^*]+$/, 'is not a host.', 'Write the name of a host such as api.example.com.', {
    description: 'HOST (port 443) or HOST:PORT, by name; a rule of the network must allow it.',
  })
  return section(
    {
      source: source(),
      hosts: some(host, bounds.CREDENTIAL_HOSTS, NO_HOST, {
        description: 'The only hosts that receive it. They are inspected.',
        examples: [['api.example.com']],
      }),
      use: use(),
      methods: z.optional(methods('Methods of requests that carry it. Absent: any but CONNECT.')),
      paths: z.optional(paths('Paths of requests that carry it. Absent: any.')),
      ttl: z.optional(
        duration(bounds.CREDENTIAL_TTL, {
          description: 'Life of the lease. Absent: as long as the sandbox.',
          examples: ['60s'],
        }),
      ),
      uses: z.optional(
        number(bounds.CREDENTIAL_USES, true, {
          description: 'Requests that may carry it. Absent: any number.',
          examples: [20],
        }),
      ),
      onReflection: z.optional(
        oneOf(ON_REFLECTION, 'a way with a response', {
          description:
            'What happens to a response that carries the value: it ends there, or goes on without it.',
          default: 'cut',
        }),
      ),
    },
    '{source: caller, hosts: [api.example.com], use: bearer}',
    { description: 'One secret: where it is from, which requests carry it, how long.' },
  )
}

const NO_HOST = sentences(
  'without a host: nothing would receive it.',
  'Write hosts such as [api.example.com], or remove the credential.',
)

const variable = (description: string) =>
  text(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/, 'is not the name of a variable.', 'Write a name such as TOKEN.', {
    description,
  })

function plainKeys() {
  const path = () => sentences('is not a path.', 'Write a path on the host such as /run/secrets/token.')
  const word = noted(z.string({ error: () => sentences('is not text.', 'Put it in quotes.') }), {
    description: 'A word of the command.',
  })
  const none = sentences('is empty.', 'Write a program and its arguments, e.g. [pass, show, token].')
  return {
    env: z.optional(variable("A variable of Glovebox's own environment.")),
    file: z.optional(
      noted(z.string({ error: path }), { description: 'A file that nobody else on the host can read.' }),
    ),
    shared: z.optional(flag({ description: 'Whether group or others may read the file.', default: false })),
    command: z.optional(
      some(word, bounds.COMMAND_WORDS, none, {
        description: 'A program and its arguments, without a shell; it prints the value.',
        examples: [['pass', 'show', 'token']],
      }),
    ),
    timeout: z.optional(
      duration(bounds.COMMAND_TIMEOUT, {
        description: 'How long the command may take.',
        default: bounds.COMMAND_TIMEOUT.initial,
      }),
    ),
  }
}

const caller = () => noted(z.literal('caller'), { description: 'Given with the run, by name.' })

function plainSource(description: string) {
  const long = section(plainKeys(), '{env: TOKEN}', { description })
  const error = () =>
    sentences('is not a source.', 'Write caller, {env: NAME}, {file: PATH} or {command: [PROGRAM]}.')
  return z.union([caller(), long], { error })
}

function source() {
  const long = section(
    { ...plainKeys(), exchange: z.optional(exchange()), assumeRole: z.optional(assumeRole()) },
    '{env: TOKEN}',
    { description: 'Where the value is from: one of these.' },
  )
  const error = () =>
    sentences(
      'is not a source.',
      'Write caller, {env: NAME}, {file: PATH}, {command: [PROGRAM]}, {exchange: {…}} or {assumeRole: {…}}.',
    )
  return z.union([caller(), long], { error })
}

const words = (description: string, most = 2048) =>
  text(
    new RegExp(`^[\\x21-\\x7e]{1,${most}}$`),
    'is not plain text without spaces.',
    'Write it as the server has it.',
    {
      description,
    },
  )

function exchange() {
  return section(
    {
      endpoint: words('Token endpoint, https.'),
      subject: plainSource('The token that is exchanged.'),
      subjectType: z.optional(words('Type of that token (RFC 8693, 3). Default: an access token.', 256)),
      audience: z.optional(words('For whom the new token is to be.')),
      resource: z.optional(words('At what the new token is to be used, a URL.')),
      scope: z.optional(
        text(
          /^[\x21-\x7e]+( [\x21-\x7e]+){0,63}$/,
          'is not a scope.',
          'Write words with one space between.',
          {
            description: 'What the new token is to be able to do, words.',
          },
        ),
      ),
      client: section(
        {
          id: words('Id of the client.', 256),
          secret: z.optional(plainSource('Its secret, sent as Basic.')),
        },
        '{id: glovebox}',
        { description: 'As whom Glovebox asks.' },
      ),
      revocation: z.optional(words('Revocation endpoint (RFC 7009): asked when the lease ends.')),
    },
    '{endpoint: "https://id.example.com/token", subject: {env: TOKEN}, client: {id: glovebox}}',
    { description: 'RFC 8693: a token is exchanged for another, which the gateway uses.' },
  )
}

function assumeRole() {
  const action = text(
    /^[a-z0-9-]{1,64}:[A-Za-z0-9*?]{1,128}$/,
    'is not an action.',
    'Write SERVICE:ACTION, e.g. s3:GetObject.',
    { description: 'An action of AWS.' },
  )
  const resource = text(
    /^(arn:[\x21-\x7e]{1,1020}|\*)$/,
    'is not a resource.',
    'Write an ARN, e.g. arn:aws:s3:::bucket/*.',
    { description: 'A resource of AWS.' },
  )
  const none = (what: string, such: string) =>
    sentences(`without ${what}: such keys can do nothing.`, `Write some such as [${such}].`)
  return section(
    {
      role: text(
        /^arn:aws(-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/,
        'is not the ARN of a role.',
        'Write arn:aws:iam::ACCOUNT:role/NAME.',
        { description: 'The role, by its ARN.' },
      ),
      actions: some(action, 64, none('an action', 's3:GetObject'), {
        description: 'All that the keys may do, of what the role may.',
      }),
      resources: some(resource, 32, none('a resource', 'arn:aws:s3:::bucket/*'), {
        description: 'All that they may do it to.',
      }),
      region: region('Region of STS that is asked.'),
      using: z.optional(plainSource('The keys that ask. Default: {env: AWS}.')),
      externalId: z.optional(
        text(/^[\w+=,.@:/-]{2,1224}$/, 'is not an external id.', 'Write it as the role has it.', {
          description: 'What the role asks third parties for.',
        }),
      ),
      endpoint: z.optional(words('URL of another STS, https.')),
      duration: z.optional(
        duration(bounds.ASSUME_ROLE_DURATION, {
          description: 'Lifetime of the keys.',
          default: bounds.ASSUME_ROLE_DURATION.initial,
        }),
      ),
    },
    '{role: "arn:aws:iam::123456789012:role/jobs", actions: ["s3:GetObject"], resources: ["arn:aws:s3:::bucket/*"], region: eu-west-1}',
    { description: 'AWS STS: keys of a role, bounded by a session policy.' },
  )
}

function region(description: string) {
  return text(/^[a-z0-9-]{1,64}$/, 'is not a region.', 'Write one such as eu-west-1.', { description })
}

function use() {
  const short = noted(z.enum(['bearer', 'basic', 'placeholder']), {
    description: 'bearer, basic (the value is user:password) or placeholder (swapped in headers).',
  })
  const long = section(
    {
      basic: z.optional(
        section(
          {
            user: text(/^[\x20-\x39\x3b-\x7e]{1,256}$/, 'is not a user.', 'Write one without a colon.', {
              description: 'The user; the value is the password.',
            }),
          },
          '{user: x-access-token}',
          { description: 'Authorization: Basic, with this user.' },
        ),
      ),
      header: z.optional(
        text(
          /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/,
          'is not the name of a header.',
          'Write one such as X-Api-Key.',
          {
            description: 'The header that holds the value.',
          },
        ),
      ),
      query: z.optional(
        text(/^[A-Za-z0-9._~-]{1,128}$/, 'is not a key of a query.', 'Write one such as key.', {
          description: 'The key of the query that holds the value.',
        }),
      ),
      placeholder: z.optional(
        section(
          {
            in: some(
              oneOf(SWAP_PLACES, 'a part of a request', { description: 'headers, query or body.' }),
              3,
              sentences('without a part: nothing is swapped.', 'Write some such as [headers].'),
              { description: 'Where the placeholder is swapped. Headers include Basic.' },
            ),
          },
          '{in: [headers, query]}',
          { description: 'The placeholder is swapped for the value where the job wrote it.' },
        ),
      ),
      'aws-sigv4': z.optional(
        section(
          {
            region: region('Region of the signature.'),
            service: text(/^[a-z0-9-]{1,64}$/, 'is not a service.', 'Write one such as s3.', {
              description: 'Service of the signature.',
            }),
            presigned: z.optional(
              flag({ description: 'Whether URLs may be signed in their query.', default: false }),
            ),
          },
          '{region: eu-west-1, service: s3}',
          { description: 'The request is signed anew (AWS Signature Version 4).' },
        ),
      ),
    },
    '{header: X-Api-Key}',
    { description: 'One of these.' },
  )
  const error = () =>
    sentences(
      'is not a use.',
      'Write bearer, basic, placeholder, {header: X-Api-Key}, {query: key} or {aws-sigv4: {region: eu-west-1, service: s3}}.',
    )
  return z.union([short, long], { error })
}
