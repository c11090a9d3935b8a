/** A host that says what it was sent, a server of tokens, and runs under policies with credentials; for whoever runs this. */
import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Glovebox, GloveboxError, parsePolicy, type RunOptions } from '../../src/index.js'
import { TestAuthority } from '../gateway/inspect-tools.js'

export const VALUE = 'ghp_q7Zr2kXw9LmT4vBn8sYc'
export const NEXT = 'ghp_a1Bc3dEf5GhI7jKl9MnO'

const sha = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12)
/** How the host names what it was sent: it never says it, which would be cut. */
export const NAMES: Readonly<Record<string, string>> = {
  [sha(`Bearer ${VALUE}`)]: 'the value',
  [sha(`Bearer ${NEXT}`)]: 'the next value',
  [sha('Bearer minted-for-this-run')]: 'the minted token',
}

export interface World {
  readonly glovebox: Glovebox
  /** https, of the host `api.test` */
  readonly url: string
  /** http, of the server of tokens */
  readonly tokens: string
  readonly folder: string
  /** requests to the server of tokens, each as `path token` */
  readonly asked: string[]
  /** how that server answers paths that it does not know by itself */
  answers: Record<string, (response: ServerResponse) => void>
  policy(credentials: object, more?: object): ReturnType<typeof parsePolicy>
  /** what the run came to, in words; and whether a value was in anything that Glovebox said */
  outcome(
    credentials: object,
    argv: readonly string[],
    options?: RunOptions,
    more?: object,
  ): Promise<string[]>
  secretFile(text: string, name?: string): string
  close(): Promise<void>
}

export async function makeWorld(waive: readonly string[]): Promise<World> {
  const authority = new TestAuthority()
  const host = createTlsServer(authority.sign(['DNS:api.test']), (request, response) => {
    const sent = request.headers.authorization
    response.end(sent === undefined ? 'nothing' : (NAMES[sha(sent)] ?? 'something else'))
  })
  const asked: string[] = []
  const answers: World['answers'] = {}
  const server = createServer(async (request, response) => {
    const path = request.url ?? ''
    asked.push(`${path} ${new URLSearchParams(await bodyOf(request)).get('token') ?? ''}`.trim())
    const answer = answers[path]
    if (answer !== undefined) return answer(response)
    response.setHeader('content-type', 'application/json')
    response.end(path === '/token' ? JSON.stringify(MINTED) : '')
  })
  const [port, tokenPort] = [await listen(host), await listen(server)]
  const folder = mkdtempSync(join(tmpdir(), 'glovebox-test-credentials-'))
  const glovebox = await Glovebox.start({
    network: { hosts: { 'api.test': ['127.0.0.1'] }, authorities: [authority.pem] },
  })
  const policy: World['policy'] = (credentials, more = {}) =>
    parsePolicy(
      {
        version: 1,
        waive: [...waive],
        lifetime: { deadline: '60s' },
        network: {
          allow: [{ host: 'api.test', ports: [port], protocol: 'tls', private: ['127.0.0.1'] }],
        },
        credentials: Object.fromEntries(
          Object.entries(credentials).map(([name, each]) => [
            name,
            { hosts: [`api.test:${port}`], use: 'bearer', ...each },
          ]),
        ),
        ...more,
      },
      { ceiling: { path: '/nonexistent.invalid' } },
    )
  return {
    glovebox,
    url: `https://api.test:${port}/`,
    tokens: `http://127.0.0.1:${tokenPort}`,
    folder,
    asked,
    answers,
    policy,
    outcome: (credentials, argv, options = {}, more = {}) =>
      outcome(glovebox, policy(credentials, more), argv, options),
    secretFile(text, name = 'secret') {
      const path = join(folder, name)
      writeFileSync(`${path}.new`, text, { mode: 0o600 })
      chmodSync(`${path}.new`, 0o600)
      renameSync(`${path}.new`, path)
      return path
    },
    async close() {
      await glovebox.close()
      for (const each of [host, server]) {
        each.closeAllConnections()
        await new Promise((resolve) => each.close(resolve))
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const MINTED = {
  access_token: 'minted-for-this-run',
  issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  token_type: 'Bearer',
  expires_in: 600,
}

async function outcome(
  glovebox: Glovebox,
  policy: ReturnType<typeof parsePolicy>,
  argv: readonly string[],
  options: RunOptions,
): Promise<string[]> {
  try {
    const result = await glovebox.run(policy, argv, options)
    const leases = result.report.credentials.map(
      ({ name, uses, refused, ended, revoked, why }) =>
        `${name} ${uses} ${refused} ${ended}${revoked === undefined ? '' : ` revoked=${revoked}`}${why === undefined ? '' : `: ${why}`}`,
    )
    const said = [
      result.reason,
      result.text().trim(),
      Buffer.from(result.stderr).toString().trim(),
      ...leases,
    ]
    return [...said.filter((each) => each !== ''), ...leaks(JSON.stringify(result.report) + said.join())]
  } catch (error) {
    if (!(error instanceof GloveboxError)) throw error
    return [error.code, error.message, ...leaks(`${error.message} ${error.stack} ${JSON.stringify(error)}`)]
  }
}

/** Whether a value is in it. */
export function leaks(text: string): string[] {
  return [VALUE, NEXT, 'minted-for-this-run', 'subject-of-this-run'].filter((each) => text.includes(each))
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of request) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}
