/** RFC 8693 at a real OpenID provider, over loopback; and servers that answer badly. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { CredentialError } from '../../src/errors/index.js'
import type { ExchangeSource } from '../../src/policy/index.js'
import { obtain } from '../../src/sandbox/credentials/sources/index.js'
import { grant, VALUE } from './setting.js'
import { WHOSE, world } from './world.js'

const CLIENT_SECRET = 'client-secret-of-glovebox'
const TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange'

interface Context {
  readonly oidc: { readonly params: Record<string, string>; readonly client: object }
  body: unknown
}
interface Token {
  save(): Promise<string>
}
interface Provider {
  callback(): (request: IncomingMessage, response: ServerResponse) => void
  registerGrantType(type: string, handler: (context: Context) => Promise<void>, params: string[]): void
  readonly AccessToken: { new (options: object): Token; find(value: string): Promise<object | undefined> }
  readonly ClientCredentials: {
    new (options: object): Token
    find(value: string): Promise<object | undefined>
  }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const close = (server: Server) =>
  new Promise((resolve) => {
    server.closeAllConnections()
    server.close(resolve)
  })

const source = (endpoint: string, more: Partial<ExchangeSource> = {}): ExchangeSource => ({
  kind: 'exchange',
  endpoint,
  subject: { kind: 'caller' },
  subjectType: 'urn:ietf:params:oauth:token-type:access_token',
  audience: null,
  resource: null,
  scope: null,
  client: { id: 'glovebox', secret: { kind: 'env', variable: 'CLIENT_SECRET' } },
  revocation: null,
  ...more,
})

const get = (from: ExchangeSource, subject = VALUE, secret = CLIENT_SECRET, at: number | null = null) =>
  obtain(
    { ...grant(), source: from },
    WHOSE,
    world({
      secrets: { TOKEN: subject },
      env: { CLIENT_SECRET: secret },
      ...(at === null ? {} : { now: () => at }),
    }),
  )

async function refused(action: () => Promise<unknown>, expected: RegExp) {
  try {
    await action()
  } catch (error) {
    assert.ok(error instanceof CredentialError, String(error))
    assert.match(error.message, expected)
    for (const secret of [VALUE, CLIENT_SECRET]) assert.ok(!error.message.includes(secret))
    return
  }
  assert.fail('was accepted')
}

describe('at an OpenID provider', () => {
  let server: Server
  let provider: Provider
  let url: string
  let asked: Record<string, string> = {}

  before(async () => {
    server = createServer()
    url = await listen(server)
    const { default: Made } = (await import('oidc-provider' as string)) as {
      default: new (issuer: string, options: object) => Provider
    }
    provider = new Made(url, {
      clients: [
        {
          client_id: 'glovebox',
          client_secret: CLIENT_SECRET,
          grant_types: [TYPE, 'client_credentials'],
          redirect_uris: [],
          response_types: [],
        },
      ],
      features: {
        revocation: { enabled: true },
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
      },
    })
    provider.registerGrantType(
      TYPE,
      async (context) => {
        asked = { ...context.oidc.params }
        if (asked.subject_token !== VALUE)
          throw Object.assign(new Error('invalid_grant'), {
            statusCode: 400,
            status: 400,
            expose: true,
            error: 'invalid_grant',
            error_description: `no ${asked.subject_token}`,
          })
        const token = new provider.ClientCredentials({ client: context.oidc.client, scope: asked.scope })
        context.body = {
          access_token: await token.save(),
          issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          token_type: 'Bearer',
          expires_in: 600,
        }
      },
      ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'resource', 'scope'],
    )
    server.on('request', provider.callback())
  })
  after(() => close(server))

  test('a token is exchanged for one that lives shorter, and revoked there when its lease ends', async () => {
    const had = await get(
      source(`${url}/token`, { audience: 'api', scope: 'read', revocation: `${url}/token/revocation` }),
    )
    assert.ok(had.material.kind === 'value')
    const minted = had.material.value.reveal() ?? ''
    assert.ok((had.livesMs ?? 0) > 500_000 && (had.livesMs ?? 0) <= 600_000)
    assert.deepEqual([asked.audience, asked.scope, asked.subject_token], ['api', 'read', VALUE])
    assert.ok((await provider.ClientCredentials.find(minted)) !== undefined)
    assert.equal(await had.revoke?.(), true)
    assert.equal(await provider.ClientCredentials.find(minted), undefined)
  })

  test('a subject that it does not know, or a client that it does not, is refused without either', async () => {
    await refused(
      () => get(source(`${url}/token`), 'another-subject-token'),
      /127\.0\.0\.1:\d+ refused \(invalid_grant\)\. Look whether the token/,
    )
    await refused(
      () => get(source(`${url}/token`), VALUE, 'wrong-client-secret'),
      /refused \(invalid_client\)|could not be asked/,
    )
  })
})

describe('servers that answer badly', () => {
  let server: Server
  let url: string
  let answer: (response: ServerResponse) => void = () => {}
  let revoked = 0
  before(async () => {
    server = createServer((request, response) => {
      if (request.url !== '/revoke') return answer(response)
      revoked++
      response.end()
    })
    url = await listen(server)
  })
  after(() => close(server))

  const token =
    (more: object = {}) =>
    (response: ServerResponse) => {
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          access_token: 'a-token-that-is-minted',
          token_type: 'bearer',
          expires_in: 60,
          ...more,
        }),
      )
    }
  const jwt = (claims: object) =>
    `eyJhbGciOiJub25lIn0.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`
  const second = () => Math.floor(Date.now() / 1000)
  const now = second()

  const cases: readonly (readonly [string, (response: ServerResponse) => void, RegExp])[] = [
    ['no JSON', (response) => response.end('<html>'), /gave no answer that can be read/],
    [
      'a redirect',
      (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      /gave no answer that can be read/,
    ],
    ['an endless answer', (response) => response.end('x'.repeat(100_000)), /gave no answer that can be read/],
    [
      'a token of another type',
      token({ issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }),
      /gave a token of another type/,
    ],
    [
      'a token for another audience',
      token({ access_token: jwt({ aud: 'other', exp: now + 60 }) }),
      /gave a token for another audience/,
    ],
    [
      'a token for no audience, where one was asked for',
      token({ access_token: jwt({ sub: VALUE, exp: now + 60 }) }),
      /gave a token that names no audience, although one was asked for\. Let the server write `aud`/,
    ],
    ['a token for an empty list of them', token({ access_token: jwt({ aud: [] }) }), /for another audience/],
    ['a token for nobody', token({ access_token: jwt({ aud: null }) }), /for another audience/],
    [
      'a token that has expired',
      token({ access_token: jwt({ aud: 'api', exp: now - 60 }) }),
      /has expired\. Compare the clocks/,
    ],
    [
      'a token that is not valid yet',
      token({ access_token: jwt({ aud: ['api'], nbf: now + 600 }) }),
      /is not valid yet\. Compare the clocks/,
    ],
    ['a token of two lines', token({ access_token: 'two\nlines of it' }), /gave more than one line/],
  ]
  for (const [name, act, expected] of cases)
    test(`${name} is refused`, async () => {
      answer = act
      await refused(() => get(source(`${url}/token`, { audience: 'api' })), expected)
    })

  test('a clock that is a little off is forgiven, and what was forgiven is of use', async () => {
    answer = token({ access_token: jwt({ aud: 'api', exp: second() - 10, nbf: second() + 10 }) })
    const { name, livesMs } = await get(
      source(`${url}/token`, { audience: 'api' }),
      VALUE,
      CLIENT_SECRET,
      second() * 1000,
    )
    assert.deepEqual([name, livesMs], ['TOKEN', 20_000])
  })

  test('the sooner end of the two that a server says is the end', async () => {
    const at = second() * 1000
    const lives = async (claims: object, expires_in: number | undefined) => {
      answer = token({ access_token: jwt(claims), expires_in })
      return (await get(source(`${url}/token`), VALUE, CLIENT_SECRET, at)).livesMs
    }
    assert.equal(await lives({ exp: at / 1000 + 5 }, 3600), 5000, 'the token’s own')
    assert.equal(await lives({ exp: at / 1000 + 3600 }, 5), 5000, 'the answer’s')
    assert.equal(await lives({ exp: at / 1000 + 5 }, undefined), 5000, 'the only one')
    assert.equal(await lives({}, 5), 5000, 'the only one')
    assert.equal(await lives({}, undefined), null, 'none')
  })

  test('without an audience that is asked for, a token needs none; what is no JWT can’t be asked for its', async () => {
    answer = token({ access_token: jwt({ exp: now + 60 }) })
    assert.equal((await get(source(`${url}/token`))).name, 'TOKEN')
    answer = token()
    assert.equal((await get(source(`${url}/token`, { audience: 'api' }))).name, 'TOKEN')
  })

  test('what was minted and is not taken is revoked', async () => {
    revoked = 0
    answer = token({ access_token: jwt({ aud: 'other' }) })
    await refused(
      () => get(source(`${url}/token`, { audience: 'api', revocation: `${url}/revoke` })),
      /another audience/,
    )
    assert.equal(revoked, 1)
  })

  test('a subject that has expired is not sent', async () => {
    answer = () => assert.fail('was asked')
    await refused(() => get(source(`${url}/token`), jwt({ exp: now - 600 })), /exchanged from has expired/)
  })
})
