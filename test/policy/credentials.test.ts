/** The section `credentials`: what is read, and what is refused. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { canonicalPolicy } from '../../src/policy/canonical.js'
import { compareWithCeiling } from '../../src/policy/ceiling-compare.js'
import { readCeiling } from '../../src/policy/ceiling-read.js'
import { resolveHostPath } from '../../src/policy/host-path.js'
import {
  type CredentialPolicy,
  loadPolicy,
  policyDocument,
  policySchemaJson,
} from '../../src/policy/index.js'
import { readObject } from '../../src/policy/object-source.js'
import { Problems } from '../../src/policy/problems.js'
import { readYaml } from '../../src/policy/yaml-source.js'
import { ROOT } from '../support/checkout.js'
import { NO_CEILING, parse, refusal } from './harness.js'

const place = { source: 'policy.yaml', base: '/srv/app', line: null, column: null, order: 0 }
const NETWORK = {
  allow: ['api.test', { host: 'api.test', ports: [8443], protocol: 'tls' }, '*.aws.test', 'clear.test:80'],
}
const read = (source: string | object) =>
  canonicalPolicy(
    typeof source === 'string' ? readYaml(source, place) : readObject(source, place),
    resolveHostPath,
  )
const BASE = { source: 'caller', hosts: ['api.test'], use: 'bearer' }
const document = (credential: object, more: object = {}) => ({
  version: 1,
  network: NETWORK,
  credentials: { TOKEN: { ...BASE, ...credential } },
  ...more,
})
const one = (credential: object): CredentialPolicy => {
  const [first] = read(document(credential)).credentials
  assert.ok(first !== undefined)
  return first
}
const refused = (credential: object, more: object = {}) =>
  refusal(() => read(document(credential, more))).message.replaceAll('policy.yaml: ', '')

test('a credential has its defaults filled in, and its hosts, methods and paths in their canonical form', () => {
  assert.deepEqual(one({}), {
    name: 'TOKEN',
    source: { kind: 'caller' },
    hosts: [{ name: 'api.test', port: 443 }],
    use: { kind: 'bearer' },
    methods: null,
    paths: null,
    ttlMs: null,
    uses: null,
    onReflection: 'cut',
  })
  const full = one({
    hosts: ['API.Test.:8443', 'api.test', 'api.test:443'],
    methods: ['POST', 'GET', 'GET'],
    paths: ['/b/**', '/a'],
    ttl: '60s',
    uses: 20,
    onReflection: 'redact',
  })
  assert.deepEqual(full.hosts, [
    { name: 'api.test', port: 443 },
    { name: 'api.test', port: 8443 },
  ])
  assert.deepEqual(
    [full.methods, full.paths, full.ttlMs, full.uses],
    [['GET', 'POST'], ['/a', '/b/**'], 60_000, 20],
  )
})

test('every source is read', () => {
  const source = (written: unknown) => one({ source: written }).source
  assert.deepEqual(source({ env: 'X' }), { kind: 'env', variable: 'X' })
  assert.deepEqual(source({ file: 'token' }), { kind: 'file', path: '/srv/app/token', shared: false })
  assert.deepEqual(source({ command: ['/bin/pass', 'show'], timeout: '1s' }), {
    kind: 'command',
    argv: ['/bin/pass', 'show'],
    timeoutMs: 1000,
  })
  const exchange = source({
    exchange: {
      endpoint: 'https://id.test/token',
      subject: { env: 'X' },
      client: { id: 'me' },
      audience: 'api',
    },
  })
  assert.deepEqual(exchange, {
    kind: 'exchange',
    endpoint: 'https://id.test/token',
    subject: { kind: 'env', variable: 'X' },
    subjectType: 'urn:ietf:params:oauth:token-type:access_token',
    audience: 'api',
    resource: null,
    scope: null,
    client: { id: 'me', secret: null },
    revocation: null,
  })
  const role = one({ source: { assumeRole: ROLE }, use: { 'aws-sigv4': SIGV4 } })
  assert.deepEqual(role.source, {
    kind: 'assumeRole',
    ...ROLE,
    using: { kind: 'env', variable: 'AWS' },
    externalId: null,
    endpoint: null,
    durationMs: 900_000,
  })
})

const ROLE = {
  role: 'arn:aws:iam::123456789012:role/jobs',
  actions: ['s3:GetObject'],
  resources: ['arn:aws:s3:::bucket/*'],
  region: 'eu-west-1',
}
const SIGV4 = { region: 'eu-west-1', service: 's3' }

test('every use is read', () => {
  const use = (written: unknown) => one({ use: written }).use
  assert.deepEqual(use('basic'), { kind: 'basic', user: null })
  assert.deepEqual(use({ basic: { user: 'x-access-token' } }), { kind: 'basic', user: 'x-access-token' })
  assert.deepEqual(use({ header: 'X-Api-Key' }), { kind: 'header', name: 'x-api-key' })
  assert.deepEqual(use({ query: 'key' }), { kind: 'query', key: 'key' })
  assert.deepEqual(use('placeholder'), { kind: 'placeholder', in: ['headers'] })
  assert.deepEqual(use({ placeholder: { in: ['body', 'headers'] } }), {
    kind: 'placeholder',
    in: ['headers', 'body'],
  })
  assert.deepEqual(use({ 'aws-sigv4': SIGV4 }), { kind: 'aws-sigv4', ...SIGV4, presigned: false })
})

test('the policy is printed so that it reads back as itself', () => {
  for (const credential of [
    {},
    { source: { command: ['/bin/true'] }, use: { basic: { user: 'u' } }, ttl: '5m', uses: 3, paths: ['/a'] },
    { source: { assumeRole: ROLE }, use: { 'aws-sigv4': SIGV4 } },
    {
      source: {
        exchange: {
          endpoint: 'https://id.test/t',
          subject: 'caller',
          client: { id: 'me', secret: { file: '/s' } },
        },
      },
      use: { placeholder: { in: ['query'] } },
    },
  ]) {
    const policy = read(document(credential))
    assert.deepEqual(read(policyDocument(policy)).credentials, policy.credentials)
  }
})

test('what is missing or unknown is named, with what to write', () => {
  const text =
    'version: 1\nnetwork: {allow: [api.test]}\ncredentials:\n  T:\n    hosts: [api.test]\n    uze: bearer\n'
  assert.equal(
    refusal(() => read(text)).message,
    [
      'policy.yaml:5:5: credentials.T.source: is missing. Write where the value is from: caller, {env: NAME}, {file: PATH} or {command: [PROGRAM]}.',
      'policy.yaml:5:5: credentials.T.use: is missing. Write bearer, basic, {header: NAME}, {query: KEY}, placeholder or {aws-sigv4: {…}}.',
      'policy.yaml:6:5: credentials.T.uze: there is no key "uze" here. Did you mean `use`?',
    ].join('\n'),
  )
  assert.match(
    refusal(() => read('version: 1\ncredentials: {1T: {}}')).message,
    /"1T" is not the name of a variable\./,
  )
  assert.match(
    refused({ source: { vault: 'x' } }),
    /credentials\.TOKEN\.source\.vault: there is no key "vault" here\./,
  )
})

const WRONG: readonly (readonly [string, object, RegExp])[] = [
  ['no host', { hosts: [] }, /hosts: a list without a host: nothing would receive it\. Write hosts such as/],
  ['a wildcard', { hosts: ['*.api.test'] }, /"\*\.api\.test" is not a host\./],
  ['an address', { hosts: ['192.0.2.1'] }, /"192\.0\.2\.1" is not a name\. Write each host by its name/],
  [
    'two sources',
    { source: { env: 'A', file: '/b' } },
    /source\.file: is a second source, besides env\. Keep one\./,
  ],
  ['no source', { source: {} }, /says not where the value is from/],
  [
    'a timeout of a file',
    { source: { file: '/b', timeout: '1s' } },
    /timeout: goes with command, not with file/,
  ],
  ['a command by its bare name', { source: { command: ['pass'] } }, /"pass" is not an absolute path\./],
  ['an empty command', { source: { command: [] } }, /is empty\. Write a program/],
  ['two uses', { use: { header: 'X', query: 'k' } }, /says 2 uses\. Write one/],
  ['a use by half', { use: 'aws-sigv4' }, /"aws-sigv4" is not a use\. Write .*aws-sigv4: \{region/],
  ['a header of the connection', { use: { header: 'Host' } }, /"host" says where a request goes or ends\./],
  ['a path in two readings', { paths: ['/a/../b'] }, /has a dot segment/],
  ['a method in small letters', { methods: ['get'] }, /"get" is not a method/],
  ['too long', { ttl: '48h' }, /is out of range\. Write 1s to 24h\./],
  ['AWS keys as a bearer', { source: { assumeRole: ROLE } }, /is no use for keys of AWS/],
  [
    'a token endpoint in the clear',
    { source: { exchange: { endpoint: 'http://id.test/t', subject: 'caller', client: { id: 'x' } } } },
    /"http:\/\/id\.test\/t" is not https\./,
  ],
  [
    'a role that may do anything',
    { source: { assumeRole: { ...ROLE, actions: ['*'] } }, use: { 'aws-sigv4': SIGV4 } },
    /"\*" is not an action\. Write SERVICE:ACTION/,
  ],
  [
    'more than STS takes',
    {
      source: {
        assumeRole: {
          ...ROLE,
          resources: Array.from({ length: 30 }, (_, i) => `arn:aws:s3:::${'b'.repeat(90)}${i}`),
        },
      },
      use: { 'aws-sigv4': SIGV4 },
    },
    /makes a session policy of \d+ characters; STS takes 2048\./,
  ],
]
for (const [name, credential, expected] of WRONG)
  test(`refused: ${name}`, () => assert.match(refused(credential), expected))

test('a credential opens no host: the network must allow it, over TLS', () => {
  assert.match(
    refused({ hosts: ['other.test'] }),
    /"other\.test" is allowed by no rule of the network\. Write - other\.test under network\.allow, or --allow-host other\.test\./,
  )
  assert.match(refused({ hosts: ['api.test:444'] }), /"api\.test:444" is allowed by no rule/)
  assert.match(
    refused({ hosts: ['clear.test:80'] }),
    /spoken to as http there, and a credential goes over TLS only/,
  )
  assert.deepEqual(one({ hosts: ['s3.aws.test'] }).hosts, [{ name: 's3.aws.test', port: 443 }])
})

test('a variable has one value', () => {
  assert.match(
    refused({}, { env: { TOKEN: 'x' } }),
    /its placeholder is in TOKEN, which is env\.TOKEN already/,
  )
  assert.match(
    refusal(() => read({ version: 1, network: NETWORK, credentials: { PATH: BASE } })).message,
    /its placeholder is in PATH, which is the sandbox's own already/,
  )
  const aws = { source: { env: 'AWS' }, hosts: ['s3.aws.test'], use: { 'aws-sigv4': SIGV4 } }
  const env = { AWS_ACCESS_KEY_ID: 'x' }
  const text = refusal(() => read({ version: 1, network: NETWORK, env, credentials: { AWS: aws } })).message
  assert.match(text, /its placeholder is in AWS_ACCESS_KEY_ID, which is env\.AWS_ACCESS_KEY_ID already/)
})

test('two credentials for one place of one request are refused', () => {
  const two = (a: object, b: object) => ({
    version: 1,
    network: NETWORK,
    credentials: { A: { ...BASE, ...a }, B: { ...BASE, ...b } },
  })
  assert.match(
    refusal(() => read(two({}, { use: 'basic' }))).message,
    /credentials\.B: goes into header authorization of requests to api\.test, and so does credentials\.A\./,
  )
  for (const other of [{ use: { header: 'x-key' } }, { use: 'placeholder' }, { hosts: ['api.test:8443'] }])
    assert.equal(read(two({}, other)).credentials.length, 2)
  assert.equal(read(two({ methods: ['GET'] }, { methods: ['POST'] })).credentials.length, 2)
})

test('a policy without the section has none, and the JSON Schema describes it', () => {
  assert.equal(parse({ version: 1 }).credentials.length, 0)
  assert.equal(parse(document({})).credentials.length, 1)
  assert.ok(JSON.stringify(policySchemaJson()).includes('"credentials"'))
})

function aboveCeiling(credential: object, bound: object | null): string {
  const policy = document(credential)
  const section = bound === null ? {} : { credentials: { TOKEN: { ...BASE, ...bound } } }
  const ceiling = readCeiling(
    readObject({ version: 1, network: NETWORK, ...section }, { ...place, source: 'ceiling.yaml' }),
    resolveHostPath,
  )
  const { places } = readObject(policy, place)
  const problems = new Problems(places)
  compareWithCeiling(read(policy), ceiling, { places, problems })
  try {
    problems.throwIfAny()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

test('a ceiling holds each credential to the one of its name, and lets none be that it does not have', () => {
  assert.match(aboveCeiling({}, null), /a credential above the ceiling, which has none/)
  assert.equal(aboveCeiling({}, {}), '')
  assert.equal(
    aboveCeiling(
      { ttl: '1s', uses: 1, methods: ['GET'], paths: ['/a'] },
      { ttl: '2s', uses: 2, methods: ['GET', 'PUT'] },
    ),
    '',
  )
  assert.match(
    aboveCeiling({}, { ttl: '2s' }),
    /ttl: the life of the sandbox is above the ceiling .* Write 2s or less\./,
  )
  assert.match(aboveCeiling({ uses: 3 }, { uses: 2 }), /uses: 3 is above the ceiling/)
  assert.match(aboveCeiling({ source: { env: 'X' } }, {}), /source: is another source or a wider one/)
  assert.match(aboveCeiling({ use: 'basic' }, {}), /use: is another use/)
  assert.match(aboveCeiling({ hosts: ['api.test:8443'] }, {}), /hosts: api\.test:8443 is above the ceiling/)
  assert.match(aboveCeiling({}, { methods: ['GET'] }), /methods: any is above the ceiling/)
  assert.match(aboveCeiling({ onReflection: 'redact' }, {}), /onReflection: redact is above the ceiling/)
  const aws = (actions: string[]) => ({
    source: { assumeRole: { ...ROLE, actions } },
    use: { 'aws-sigv4': SIGV4 },
  })
  assert.equal(aboveCeiling(aws(['s3:GetObject']), aws(['s3:*', 's3:GetObject'])), '')
  assert.match(aboveCeiling(aws(['s3:PutObject']), aws(['s3:GetObject'])), /source: .* wider/)
})

test('the policies of examples/credentials are good', () => {
  for (const name of ['github', 's3'])
    assert.equal(
      loadPolicy(join(ROOT, `examples/credentials/${name}.yaml`), { ceiling: NO_CEILING }).credentials.length,
      1,
    )
})

test('a rule for a credential’s host may have `upgrade`, as its TLS is looked into without a word; no other rule may', () => {
  const network = (host: string) => ({ allow: ['api.test', { host, upgrade: true }] })
  const upgrading = { allow: [{ host: 'api.test', upgrade: true }] }
  const [rule] = read(document({}, { network: upgrading })).network?.allow ?? []
  assert.equal(rule?.upgrade, true)
  assert.match(refusal(() => read(document({}, { network: network('other.test') }))).message, /passes unread/)
})
