/** A certified OpenID provider that exchanges one known subject token, and introspects and revokes what it gave. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { FarSide } from '../egress/jobs.js'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

interface Context {
  readonly oidc: { readonly params: Record<string, string>; readonly client: object }
  body: unknown
}
interface Provider {
  callback(): (request: IncomingMessage, response: ServerResponse) => void
  registerGrantType(type: string, handler: (context: Context) => Promise<void>, params: string[]): void
  readonly ClientCredentials: {
    new (options: object): { save(): Promise<string> }
    find(value: string): Promise<object | undefined>
  }
}

export interface OidcHost {
  readonly url: string
  /** all that it has given */
  readonly minted: readonly string[]
  /** whether a token is one that it gave, and that lives */
  knows(token: string): Promise<boolean>
}

/** A client `glovebox` with this secret may exchange `subject`. */
export async function serveOidc(far: FarSide, subject: string, secret: string): Promise<OidcHost> {
  const server = createServer()
  const url = `http://127.0.0.1:${await far.serve(server)}`
  console.info = console.error // where it says what it is not certified for; workers print what they saw on stdout
  const { default: Made } = (await import('oidc-provider' as string)) as {
    default: new (issuer: string, options: object) => Provider
  }
  const provider = new Made(url, {
    clients: [
      {
        client_id: 'glovebox',
        client_secret: secret,
        grant_types: [EXCHANGE, 'client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      revocation: { enabled: true },
      introspection: { enabled: true },
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
    },
  })
  const minted: string[] = []
  provider.registerGrantType(
    EXCHANGE,
    async (context) => {
      if (context.oidc.params.subject_token !== subject)
        throw Object.assign(new Error('invalid_grant'), { statusCode: 400, status: 400, expose: true })
      const token = new provider.ClientCredentials({ client: context.oidc.client })
      const value = await token.save()
      minted.push(value)
      context.body = {
        access_token: value,
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 600,
      }
    },
    ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'resource', 'scope'],
  )
  server.on('request', provider.callback())
  const knows = async (token: string) => {
    const answer = await fetch(`${url}/token/introspection`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`glovebox:${secret}`).toString('base64')}` },
      body: new URLSearchParams({ token }),
    })
    return ((await answer.json()) as { active?: boolean }).active === true
  }
  return { url, minted, knows }
}
