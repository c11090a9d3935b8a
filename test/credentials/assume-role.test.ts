/** AWS STS, as a server that checks signatures with the library of the SDKs. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { SignatureV4 } from '@smithy/signature-v4'
import { CredentialError } from '../../src/errors/index.js'
import type { AssumeRoleSource } from '../../src/policy/index.js'
import { obtain } from '../../src/sandbox/credentials/sources/index.js'
import { AWS, grant } from './setting.js'
import { Sha256 } from './sha256.js'
import { WHOSE, world } from './world.js'

let server: Server
let url: string
let script: ((response: ServerResponse) => void)[] = []
let forms: URLSearchParams[] = []

before(async () => {
  server = createServer(async (request, response) => {
    const pieces: Uint8Array[] = []
    for await (const piece of request) pieces.push(piece)
    const body = Buffer.concat(pieces).toString()
    forms.push(new URLSearchParams(body))
    const scripted = script.shift()
    if (scripted !== undefined) return scripted(response)
    if (!(await isSigned(request, body))) return error(403, 'SignatureDoesNotMatch')(response)
    response.end(answer())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
after(
  () =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(resolve)
    }),
)

async function isSigned(request: IncomingMessage, body: string): Promise<boolean> {
  const date = String(request.headers['x-amz-date'])
  const names = /SignedHeaders=([^,]+)/.exec(String(request.headers.authorization))?.[1]?.split(';') ?? []
  const headers = Object.fromEntries(names.map((name) => [name, String(request.headers[name])]))
  const signer = new SignatureV4({
    credentials: { accessKeyId: AWS.accessKeyId, secretAccessKey: AWS.secret },
    region: 'eu-west-1',
    service: 'sts',
    sha256: Sha256 as never,
    applyChecksum: false,
  })
  const signed = await signer.sign(
    {
      method: 'POST',
      path: '/',
      query: {},
      headers,
      body,
      protocol: 'http:',
      hostname: '127.0.0.1',
    } as never,
    { signingDate: new Date(date.replace(/(....)(..)(..T..)(..)(..Z)/, '$1-$2-$3:$4:$5')) },
  )
  return (
    (signed as unknown as { headers: Record<string, string> }).headers.authorization ===
    request.headers.authorization
  )
}

const answer =
  () => `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
  <AccessKeyId>ASIAMINTEDEXAMPLE</AccessKeyId><SecretAccessKey>minted/secret+key</SecretAccessKey>
  <SessionToken>minted-session-token==</SessionToken><Expiration>${new Date(Date.now() + 900_000).toISOString()}</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>`
const error =
  (status: number, code: string, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response
      .writeHead(status, headers)
      .end(
        `<ErrorResponse><Error><Code>${code}</Code><Message>with ${AWS.secret}</Message></Error></ErrorResponse>`,
      )
  }

const source = (more: Partial<AssumeRoleSource> = {}): AssumeRoleSource => ({
  kind: 'assumeRole',
  role: 'arn:aws:iam::123456789012:role/jobs',
  actions: ['s3:GetObject'],
  resources: ['arn:aws:s3:::bucket/*'],
  region: 'eu-west-1',
  using: { kind: 'env', variable: 'AWS' },
  externalId: null,
  endpoint: url,
  durationMs: 900_000,
  ...more,
})
const env = { AWS_ACCESS_KEY_ID: AWS.accessKeyId, AWS_SECRET_ACCESS_KEY: AWS.secret }
const get = (more: Parameters<typeof world>[0] = {}, from = source()) => {
  forms = []
  return obtain({ name: 'AWS', source: from, use: grant().use }, WHOSE, world({ env, ...more }))
}

async function refused(action: () => Promise<unknown>, expected: RegExp) {
  try {
    await action()
  } catch (error) {
    assert.ok(error instanceof CredentialError, String(error))
    assert.match(error.message, expected)
    assert.ok(!error.message.includes(AWS.secret))
    return
  }
  assert.fail('was accepted')
}

test('keys of the role, bounded to what the policy says, for the shortest time, under the names of sandbox and tenant', async () => {
  const { material, livesMs, revoke } = await get()
  assert.ok(material.kind === 'aws')
  assert.deepEqual(
    [material.keys.accessKeyId, material.keys.secret.reveal(), material.keys.sessionToken?.reveal()],
    ['ASIAMINTEDEXAMPLE', 'minted/secret+key', 'minted-session-token=='],
  )
  assert.ok((livesMs ?? 0) > 800_000 && revoke === null)
  const form = Object.fromEntries(forms[0] ?? [])
  assert.deepEqual(JSON.parse(form.Policy ?? ''), {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::bucket/*'] }],
  })
  assert.deepEqual(
    [form.DurationSeconds, form.SourceIdentity, form['Tags.member.1.Value'], form['Tags.member.2.Value']],
    ['900', 'glovebox-box-1', 'box-1', 'acme'],
  )
})

test('throttling and an outage are waited out', async () => {
  script = [error(400, 'Throttling'), error(503, 'ServiceUnavailable'), (response) => response.destroy()]
  assert.equal((await get()).material.kind, 'aws')
  assert.equal(forms.length, 4)
})

test('as long as there is time', async () => {
  script = Array.from({ length: 50 }, () => error(400, 'Throttling'))
  await refused(
    () => get({ signal: AbortSignal.timeout(1500) }),
    /STS said Throttling, and there was no more time/,
  )
  script = []
})

test('a refusal is said in words of our own, with what helps', async () => {
  script = [error(403, 'AccessDenied')]
  await refused(() => get(), /keys for credentials\.AWS: STS said AccessDenied\. Let the role trust who asks/)
  await refused(
    () => get({ env: { ...env, AWS_SECRET_ACCESS_KEY: 'another-secret-key' } }),
    /STS said SignatureDoesNotMatch/,
  )
  await refused(() => get({ env: {} }), /the variable AWS_ACCESS_KEY_ID is not set/)
})

test('a clock that is off is named', async () => {
  script = [error(403, 'SignatureDoesNotMatch', { date: new Date(Date.now() + 3_600_000).toUTCString() })]
  await refused(() => get(), /The clocks of this machine and of STS are 60 minutes apart/)
})
