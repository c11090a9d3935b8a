/** Real clients in sandboxes that have credentials, and hosts that serve whoever has the real ones; see jobs.ts of the egress tests. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocketServer } from 'ws'
import { Glovebox, type RunResult } from '../../src/index.js'
import { local, play, policyOf } from '../egress/jobs.js'
import { ROOT } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { serveGit } from './git-host.js'
import { serveGrpc } from './grpc-host.js'
import { type Arrived, given, Hosts, nameOf, type Serve, secretsFor } from './hosts.js'
import { serveOidc } from './oidc-host.js'
import { S3Host } from './s3-host.js'

const USES = ['bearer.test', 'basic.test', 'pair.test', 'header.test', 'query.test', 'swap.test', 'form.test']
const hosts = new Hosts(...USES, 'git.test', 's3.test', 'links.test', 'minted.test', 'grpc.test', 'ws.test')
const secrets = {
  ...secretsFor('BEARER', 'BASIC', 'HEADER', 'QUERY', 'SWAP', 'FORM', 'GIT', 'SUBJECT', 'GRPC', 'SOCKET'),
  PAIR: `me:${secretsFor('PAIR').PAIR}`,
}
const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

/** Which of what a request may carry it carries. */
const KNOWN: Readonly<Record<string, (arrived: Arrived) => boolean>> = {
  'bearer.test': ({ headers }) => headers.authorization === `Bearer ${secrets.BEARER}`,
  'basic.test': ({ headers }) => headers.authorization === basic('user', secrets.BASIC),
  'pair.test': ({ headers }) =>
    headers.authorization === `Basic ${Buffer.from(secrets.PAIR).toString('base64')}`,
  'header.test': ({ headers }) => headers['x-api-key'] === secrets.HEADER,
  'query.test': ({ url }) => new URL(url, 'https://any.test').searchParams.get('key') === secrets.QUERY,
  'swap.test': ({ headers }) =>
    headers['x-token'] === secrets.SWAP || headers.authorization === basic('me', secrets.SWAP),
  'form.test': ({ url, body, headers }) =>
    new URL(url, 'https://any.test').searchParams.get('token') === secrets.FORM ||
    (headers['content-length'] === String(body.length) && body.includes(secrets.FORM)),
}
const serve: Serve = (arrived, response) => {
  const known = KNOWN[nameOf(arrived)]?.(arrived) === true
  response.writeHead(known ? 200 : 401)
  response.end(known ? 'known' : 'unknown')
}

const port = await hosts.serve(serve)
const glovebox = await Glovebox.start({ network: hosts.network })
const rules = (names: readonly string[], at = port, more: object = {}) =>
  names.map((name) => local(name, at, 'tls', more))
const CREDENTIALS = {
  BEARER: given('bearer.test', port, 'bearer'),
  BASIC: given('basic.test', port, { basic: { user: 'user' } }),
  PAIR: given('pair.test', port, 'basic'),
  HEADER: given('header.test', port, { header: 'X-Api-Key' }),
  QUERY: given('query.test', port, { query: 'key' }),
  SWAP: given('swap.test', port, 'placeholder'),
  FORM: given('form.test', port, { placeholder: { in: ['query', 'body'] } }),
}
const ROOM = { limits: { memory: '2GiB', processes: 256, openFiles: 1024 } }
const NODE_MODULES = { ...ROOM, files: { read: [`${join(ROOT, 'node_modules')}:/node_modules`] } }
const job = (name: string) => ({ [name]: readFileSync(join(ROOT, 'test/credentials-live/jobs', name)) })

/** What a run was, for a test to judge; `leaked`: a value in what came out. */
function told(result: RunResult) {
  const all = Buffer.concat([result.stdout, result.stderr]).toString() + JSON.stringify(result.report)
  return {
    exitCode: result.exitCode,
    text: result.text(),
    stderr: Buffer.from(result.stderr).toString(),
    leaked: Object.entries(secrets).flatMap(([name, value]) => (all.includes(value) ? [name] : [])),
    credentials: result.report.credentials,
    verdicts: [...new Set(result.report.network.map(({ verdict }) => verdict))].sort(),
  }
}
const picked = (names: readonly (keyof typeof secrets)[]) =>
  Object.fromEntries(names.map((name) => [name, secrets[name]]))

const CURL = `
ask() { name=$1; shift; echo "$name $(curl -sS "$@")"; }
ask bearer https://bearer.test:$PORT/
ask 'bearer, by HTTP/1.1' --http1.1 https://bearer.test:$PORT/
ask 'bearer, with a token of its own' -H 'Authorization: Bearer mine' https://bearer.test:$PORT/
ask basic https://basic.test:$PORT/
ask 'basic, user and password' https://pair.test:$PORT/
ask header https://header.test:$PORT/
ask query "https://query.test:$PORT/?a=b&c"
ask 'placeholder in a header' -H "X-Token: $SWAP" https://swap.test:$PORT/
ask 'placeholder as a password' -u "me:$SWAP" https://swap.test:$PORT/
ask 'placeholder in the query' "https://form.test:$PORT/?token=$FORM"
ask 'placeholder in a form' -d "token=$FORM" https://form.test:$PORT/
ask 'placeholder in JSON' -H 'Content-Type: application/json' -d "{\\"token\\":\\"$FORM\\"}" https://form.test:$PORT/
`
const PYTHON = `
import os, requests, urllib.request
url = "https://bearer.test:" + os.environ["PORT"] + "/"
print("requests", requests.get(url).text)
session = requests.Session()
print("a session of requests", [session.get(url).text for _ in range(3)])
print("urllib", urllib.request.urlopen(url).read().decode())
print("requests, Basic", requests.get(url.replace("bearer", "swap"), auth=("me", os.environ["SWAP"])).text)
`
const NODE = `
const url = 'https://bearer.test:' + process.env.PORT + '/'
const text = async (...all) => (await fetch(...all)).text()
console.log('fetch', await text(url), await text(url, { method: 'POST', body: 'x'.repeat(100000) }))
console.log('fetch, a header', await text(url.replace('bearer', 'swap'), { headers: { 'x-token': process.env.SWAP } }))
`
const JAVA = `import java.net.*; import java.net.http.*;
public class T { public static void main(String[] a) throws Exception {
  var client = HttpClient.newHttpClient();
  var answer = client.send(HttpRequest.newBuilder(URI.create(a[0])).build(), HttpResponse.BodyHandlers.ofString());
  System.out.println("java " + answer.version() + " " + answer.body()); } }`

await play({
  async curl() {
    const env = { PORT: String(port) }
    const argv = ['sh', '-c', CURL] as const
    const network = { allow: rules(USES) }
    const inspected = { allow: rules(USES, port, { inspect: true }) }
    const [without, held] = await Promise.all([
      glovebox.run(policyOf(inspected, { env: { ...env, SWAP: 'x', FORM: 'x' } }), argv),
      glovebox.run(policyOf(network, { env, credentials: CREDENTIALS }), argv, {
        secrets: picked(['BEARER', 'BASIC', 'PAIR', 'HEADER', 'QUERY', 'SWAP', 'FORM']),
      }),
    ])
    return { without: told(without), held: told(held) }
  },

  async languages() {
    const env = { PORT: String(port) }
    const { BEARER, SWAP } = CREDENTIALS
    const credentials = { BEARER, SWAP }
    const policy = policyOf({ allow: rules(['bearer.test', 'swap.test']) }, { ...ROOM, env, credentials })
    const java = existsSync('/usr/bin/java') ? `java T.java https://bearer.test:${port}/ 2>/dev/null` : 'true'
    const script = `/usr/bin/python3 t.py && ${process.execPath} t.mjs && ${java}`
    const result = await glovebox.run(policy, ['sh', '-c', script], {
      secrets: picked(['BEARER', 'SWAP']),
      inputs: { 't.py': Buffer.from(PYTHON), 't.mjs': Buffer.from(NODE), 'T.java': Buffer.from(JAVA) },
    })
    return { ...told(result), java: existsSync('/usr/bin/java') }
  },

  async git() {
    const root = mkdtempSync(join(tmpdir(), 'glovebox-git-'))
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@a.test', ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
      })
    try {
      const repository = join(root, 'r.git')
      git('init', '-q', '--bare', '-b', 'main', repository)
      git('-C', repository, 'config', 'http.receivepack', 'true')
      const at = await hosts.serve((arrived, response) =>
        serveGit(root, basic('x-access-token', secrets.GIT), arrived, response as never),
      )
      const url = `https://git.test:${at}/r.git`
      const script = `
export HOME=/job GIT_TERMINAL_PROMPT=0
git config --global user.name job; git config --global user.email job@job.test
git clone -q ${url} r 2>&1 | grep -v 'empty repository'
cd r && git checkout -q -b main && head -c 300000 /dev/urandom > big && echo hello > file && git add . && git commit -qm 'from inside' &&
git push -q origin main && cd .. && git clone -q ${url} again && cat again/file
git -C again log --format=%s`
      const network = { allow: rules(['git.test'], at) }
      const wanted = { secrets: picked(['GIT']) }
      const attached = await glovebox.run(
        policyOf(network, {
          credentials: { GIT: given('git.test', at, { basic: { user: 'x-access-token' } }) },
        }),
        ['sh', '-c', script],
        wanted,
      )
      const swapped = await glovebox.run(
        policyOf(network, { credentials: { GIT: given('git.test', at, 'placeholder') } }),
        ['sh', '-c', `git ls-remote "https://x-access-token:$GIT@git.test:${at}/r.git" main | cut -f2`],
        wanted,
      )
      const without = await glovebox.run(policyOf({ allow: rules(['git.test'], at, { inspect: true }) }), [
        'sh',
        '-c',
        `GIT_TERMINAL_PROMPT=0 git ls-remote ${url}`,
      ])
      const log = git('-C', repository, 'log', '--format=%s %an', 'main')
      return { attached: told(attached), swapped: told(swapped), without: told(without), log }
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  },

  async s3() {
    const keys = {
      accessKeyId: 'AKIAREALONEREALONE00',
      secretAccessKey: `real/secret+${secretsFor('S').S}`,
      sessionToken: `session+${secretsFor('T').T}==`,
    }
    const s3 = new S3Host(keys, 'eu-west-1')
    const at = await hosts.serve(async (arrived, response) => {
      const { status, headers, body } = await s3.answer(arrived)
      response.writeHead(status, headers)
      response.end(body)
    })
    const use = (more: object) => ({ 'aws-sigv4': { region: 'eu-west-1', service: 's3', ...more } })
    const policy = policyOf(
      { allow: rules(['s3.test', 'links.test'], at) },
      {
        ...NODE_MODULES,
        env: { ENDPOINT: `https://s3.test:${at}`, GRANTED: `https://links.test:${at}` },
        credentials: {
          AWS: given('s3.test', at, use({})),
          LINKS: given('links.test', at, use({ presigned: true })),
        },
      },
    )
    // control: outside, with the real keys and with others, at the same host
    const [known, stranger] = await Promise.all(
      [keys.secretAccessKey, 'x'.repeat(40)].map(async (secret) => {
        const env = {
          NODE_EXTRA_CA_CERTS: hosts.authorityFile,
          ENDPOINT: `https://127.0.0.1:${at}`,
          AWS_ACCESS_KEY_ID: keys.accessKeyId,
          AWS_SECRET_ACCESS_KEY: secret,
          AWS_SESSION_TOKEN: keys.sessionToken,
        }
        const argv = [
          process.execPath,
          join(ROOT, 'test/credentials-live/jobs/s3.mjs'),
          'put',
          'get',
          'stream',
        ]
        return (await finished(argv, { env })).stdout
      }),
    )
    const value = `${keys.accessKeyId}:${keys.secretAccessKey}:${keys.sessionToken}`
    const result = await glovebox.run(policy, [process.execPath, 's3.mjs'], {
      inputs: job('s3.mjs'),
      secrets: { AWS: value, LINKS: value },
    })
    const seen = told(result)
    const all = seen.text + seen.stderr + JSON.stringify(result.report)
    const leaked = [keys.secretAccessKey, keys.sessionToken].filter((each) => all.includes(each))
    return { ...seen, leaked, payloads: [...s3.payloads].sort(), known, stranger }
  },

  async exchange() {
    const subject = secrets.SUBJECT
    const client = 'client-secret-of-glovebox'
    const oidc = await serveOidc(hosts.far, subject, client)
    const at = await hosts.serve(async ({ headers }, response) => {
      const [, token = ''] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? []
      const known = token !== '' && (await oidc.knows(token))
      response.writeHead(known ? 200 : 401)
      response.end(known ? 'known' : 'unknown')
    })
    process.env.GLOVEBOX_TEST_CLIENT = client
    const source = {
      exchange: {
        endpoint: `${oidc.url}/token`,
        subject: 'caller',
        client: { id: 'glovebox', secret: { env: 'GLOVEBOX_TEST_CLIENT' } },
        revocation: `${oidc.url}/token/revocation`,
      },
    }
    const policy = policyOf(
      { allow: rules(['minted.test'], at) },
      { credentials: { SUBJECT: { ...given('minted.test', at, 'bearer'), source } } },
    )
    const run = glovebox.run(policy, ['curl', '-sS', `https://minted.test:${at}/`], {
      secrets: { SUBJECT: subject },
    })
    const seen = told(await run)
    const alive = await Promise.all(oidc.minted.map((token) => oidc.knows(token)))
    const direct = oidc.minted.map((token) => seen.text.includes(token))
    return { ...seen, alive, direct }
  },

  async grpc() {
    const host = await serveGrpc(secrets.GRPC, hosts.identity)
    try {
      const policy = (more: object, rule: object) =>
        policyOf({ allow: rules(['grpc.test'], host.port, rule) }, { ...NODE_MODULES, ...more })
      const argv = [process.execPath, 'grpc.mjs', `grpc.test:${host.port}`] as const
      const held = policy({ credentials: { GRPC: given('grpc.test', host.port, 'bearer') } }, {})
      const inputs = job('grpc.mjs')
      const result = await glovebox.run(held, argv, { inputs, secrets: picked(['GRPC']) })
      const without = await glovebox.run(policy({}, { inspect: true }), argv, { inputs })
      return { held: told(result), without: told(without) }
    } finally {
      host.close()
    }
  },

  async websocket() {
    const at = await hosts.serveOld((server) => {
      const sockets = new WebSocketServer({ noServer: true })
      server.on('upgrade', (request: IncomingMessage, socket, head) => {
        if (request.headers.authorization !== `Bearer ${secrets.SOCKET}`)
          return void socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n')
        return sockets.handleUpgrade(request, socket, head, (client) => {
          client.on('message', (data) => client.send(`${data}!`))
        })
      })
    })
    const policy = (more: object) =>
      policyOf(
        { allow: rules(['ws.test'], at, { inspect: true, upgrade: true }) },
        { ...NODE_MODULES, ...more },
      )
    const argv = [process.execPath, 'websocket.mjs', `wss://ws.test:${at}/`, 'one', 'two'] as const
    const inputs = job('websocket.mjs')
    const held = policy({ credentials: { SOCKET: given('ws.test', at, 'bearer') } })
    const result = await glovebox.run(held, argv, { inputs, secrets: picked(['SOCKET']) })
    const without = await glovebox.run(policy({}), argv, { inputs })
    return { held: told(result), without: told(without) }
  },
})
await glovebox.close()
hosts.close()
process.exit()
