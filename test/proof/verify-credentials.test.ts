/**
 * `glovebox verify` attacks the credentials of a policy from inside, with decoys for values. What the policy's sources have is none of its
 * business: whoever verifies in CI has no vault to ask, and a token that is minted for an attack would be one too many.
 */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { PROBES } from '../../src/proof/probes/index.js'
import type { Verification } from '../../src/proof/verify/index.js'
import { sharedFolder } from '../support/checkout.js'
import { asEachNetworkUser, glovebox } from '../support/users.js'

const FOLDER = sharedFolder()
const MARKS = join(FOLDER, 'marks')
mkdirSync(MARKS)
chmodSync(MARKS, 0o777)
const asked = (name: string) => join(MARKS, name)
const COMMAND = ['/bin/sh', '-c', `echo asked > ${asked('command')}; echo a-value-of-the-vault`]

const HOSTS = ['api.example.com', 'bucket.s3.eu-west-1.amazonaws.com']
const POLICIES = {
  'a bearer token for some requests, some times': {
    network: { allow: [{ host: 'api.example.com', inspect: true, methods: ['GET', 'PUT'] }] },
    credentials: {
      API_TOKEN: {
        source: { command: COMMAND },
        hosts: ['api.example.com'],
        use: 'bearer',
        methods: ['GET'],
        paths: ['/repos/**'],
        ttl: '20s',
        uses: 2,
      },
    },
  },
  'every use': {
    network: { allow: HOSTS },
    credentials: {
      BASIC: { source: 'caller', hosts: ['api.example.com'], use: 'basic', paths: ['/basic/**'] },
      USER: {
        source: 'caller',
        hosts: ['api.example.com'],
        use: { basic: { user: 'me' } },
        paths: ['/user/**'],
      },
      HEADER: { source: { env: 'NOT_THERE' }, hosts: ['api.example.com'], use: { header: 'X-Api-Key' } },
      QUERY: { source: { file: '/nonexistent' }, hosts: ['api.example.com'], use: { query: 'key' } },
      PLACED: {
        source: { command: COMMAND },
        hosts: ['api.example.com'],
        use: { placeholder: { in: ['query', 'body'] } },
        onReflection: 'redact',
      },
      AWS: {
        source: {
          assumeRole: {
            role: 'arn:aws:iam::123456789012:role/jobs',
            actions: ['s3:GetObject'],
            resources: ['arn:aws:s3:::bucket/*'],
            region: 'eu-west-1',
          },
        },
        hosts: ['bucket.s3.eu-west-1.amazonaws.com'],
        use: { 'aws-sigv4': { region: 'eu-west-1', service: 's3' } },
      },
    },
  },
}

const ATTEMPTED = PROBES.filter(({ claim }) => claim.startsWith('credentials.')).map(({ id }) => id)

function policyFile(name: string, policy: object): string {
  const file = join(FOLDER, `${name.replaceAll(/\W/g, '-')}.json`)
  writeFileSync(file, JSON.stringify({ version: 1, ...policy }), { mode: 0o644 })
  return file
}

for (const [name, policy] of Object.entries(POLICIES))
  asEachNetworkUser(`every claim of credentials holds when it is attacked: ${name}`, async (user) => {
    const file = policyFile(name, policy)
    const verify = ['verify', '--only', 'credentials', '--json', '--policy', file]
    const { stdout, stderr, status } = await glovebox(user, verify)
    assert.equal(stderr, '')
    const { claims, probes } = JSON.parse(stdout) as Verification
    const wrong = probes.filter(({ status: said }) => said !== 'holds')
    assert.deepEqual(wrong, [])
    assert.equal(status, 0)
    assert.deepEqual(probes.map(({ id }) => id).sort(), [...ATTEMPTED].sort())
    assert.equal(claims.length, 6)
  })

/** Its authority is in files, its placeholders in variables: neither is taken for what a job should not have. */
asEachNetworkUser('what a credential brings into the sandbox breaks no other claim', async (user) => {
  const file = policyFile('besides', POLICIES['every use'])
  const verify = ['verify', '--only', 'isolation', '--only', 'files', '--json', '--policy', file]
  const { stdout, status } = await glovebox(user, verify)
  const { probes } = JSON.parse(stdout) as Verification
  assert.deepEqual(
    probes.filter(({ status: said }) => said === 'broken' || said === 'controlFailed'),
    [],
  )
  assert.equal(status, 0)
})

asEachNetworkUser('no source is asked, and it is said so', async (user) => {
  rmSync(asked('command'), { force: true })
  const file = policyFile('sources', POLICIES['every use'])
  const { stdout, status } = await glovebox(user, ['verify', '--only', 'secrets.used', '--policy', file])
  assert.equal(status, 0, stdout)
  assert.match(stdout, /decoys for values: no source of the policy was asked/)
  assert.ok(!existsSync(asked('command')))
  // the same policy asks it where it is meant to
  const run = await glovebox(user, [
    'run',
    '--policy',
    policyFile('run', POLICIES['a bearer token for some requests, some times']),
    '--',
    '/bin/true',
  ])
  assert.equal(run.status, 0, run.stderr)
  assert.ok(existsSync(asked('command')))
})

test('each probe of them tries one of their claims', () => {
  const claimed = PROBES.filter(({ id }) => id.startsWith('secrets.'))
  assert.ok(claimed.length > 35, `${claimed.length}`)
  for (const { id, claim } of claimed) assert.match(claim, /^credentials\./, id)
})
