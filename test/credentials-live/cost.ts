/**
 * Of `npm run bench -- credentials [--runs N]`: what a request on a kept connection costs more, by HTTP/1.1, when its TLS is looked into, and
 * when it gets a value: the same client in the same namespace, in turn, to a host beside it, to one behind a rule that passes TLS on
 * unread, and to ones that are looked into and receive each use. Prints tables, and which of the goals were met. All hosts are of one
 * sandbox: what is only looked into is scanned for values, too, and that is in its cost, not in what a use adds to it.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makePlaceholder } from '../../src/credentials/index.js'
import type { CredentialIssue } from '../../src/gateway/index.js'
import type { CredentialUse } from '../../src/policy/index.js'
import { TestAuthority } from '../gateway/inspect-tools.js'
import type { Namespace } from '../gateway/namespace.js'
import { planOf, rule, Setting } from '../gateway/setting.js'
import { sharedFolder } from '../support/checkout.js'

const at = process.argv.indexOf('--runs')
const RUNS = at === -1 ? 1000 : Number(process.argv[at + 1])
const ROUNDS = 5
const MiB = 1024 * 1024
const BIG_RUNS = Math.max(10, Math.round(RUNS / 20))
const AWS: CredentialUse = { kind: 'aws-sigv4', region: 'eu-west-1', service: 's3', presigned: false }

const USES: Readonly<Record<string, CredentialUse>> = {
  bearer: { kind: 'bearer' },
  basic: { kind: 'basic', user: 'me' },
  header: { kind: 'header', name: 'x-api-key' },
  query: { kind: 'query', key: 'key' },
  placeholder: { kind: 'placeholder', in: ['headers'] },
  'aws-sigv4': AWS,
}
const NAMES = ['pass', 'inspect', ...Object.keys(USES)]
const hostOf = (name: string) => `${name}.test`

/** A host in a process of its own, which goes with whoever started it; prints its port. */
const SERVER = `
const { readFileSync } = require('node:fs')
const server = require('node:https').createServer({ key: readFileSync(process.argv[1]), cert: readFileSync(process.argv[2]) }, (request, response) => {
  request.on('data', () => {})
  request.on('end', () => response.end('x'))
})
server.keepAliveTimeout = 600000
process.stdin.on('end', () => process.exit()).resume()
server.listen(0, '127.0.0.1', () => console.log(server.address().port))`

const authority = new TestAuthority()
const identity = authority.sign([...NAMES.map((name) => `DNS:${hostOf(name)}`), 'IP:127.0.0.1'])
const folder = sharedFolder()
const files = ['key', 'cert'].map((name) => join(folder, name))
writeFileSync(files[0] as string, identity.key)
writeFileSync(files[1] as string, identity.cert)
const setting = new Setting({
  hosts: Object.fromEntries(NAMES.map((name) => [hostOf(name), ['127.0.0.1']])),
  authorities: [authority.pem],
})

const far = spawn(process.execPath, ['-e', SERVER, ...files], { stdio: ['pipe', 'pipe', 'inherit'] })
setting.onClose(() => far.kill('SIGKILL'))
const port = Number(await new Promise((resolve) => far.stdout.once('data', resolve)))
const near = await setting.job.evaluate(
  (require, node, server, files) => {
    const child = (require('node:child_process') as typeof import('node:child_process')).spawn(
      node,
      ['-e', server, ...files],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    return new Promise<number>((resolve) => child.stdout.once('data', (said) => resolve(Number(said))))
  },
  process.execPath,
  SERVER,
  files,
)

const placeholders = Object.fromEntries(Object.keys(USES).map((name) => [name, makePlaceholder()]))
const issues = Object.entries(USES).map(
  ([name, use]): CredentialIssue => ({
    grant: {
      name: name.toUpperCase().replace(/-/g, '_'),
      hosts: [{ name: hostOf(name) as never, port }],
      use,
      methods: null,
      paths: null,
      ttlMs: null,
      uses: null,
      onReflection: 'cut',
    },
    placeholder: placeholders[name] ?? '',
    value:
      use.kind === 'aws-sigv4'
        ? {
            kind: 'aws',
            accessKeyId: 'AKIAEXAMPLEEXAMPLE',
            secret: randomBytes(20).toString('hex'),
            sessionToken: null,
          }
        : { kind: 'value', value: randomBytes(20).toString('hex') },
    livesMs: null,
  }),
)
const wide = { maxUploadBytes: 1e12, maxDownloadBytes: 1e12, maxRate: 100_000 }
await setting.attach(
  planOf(
    NAMES.map((name) => rule(hostOf(name), { [port]: 'tls' }, { inspect: name !== 'pass' })),
    { budget: wide, timeouts: { headMs: 60_000, idleMs: 60_000 } },
  ),
  [],
  issues,
)

interface Way {
  readonly host: string
  readonly port: number
  readonly ca: string
  readonly headers: Readonly<Record<string, string>>
  /** `null`: none; otherwise a body of so many bytes is put */
  readonly bodyBytes: number | null
}
const way = (name: string, headers: Record<string, string> = {}, bodyBytes: number | null = null): Way =>
  name === 'direct'
    ? { host: '127.0.0.1', port: near, ca: authority.pem, headers, bodyBytes }
    : {
        host: hostOf(name),
        port,
        ca: name === 'pass' ? authority.pem : setting.authority,
        headers,
        bodyBytes,
      }
const signed = (payload: string) => {
  const names = 'host;x-amz-content-sha256;x-amz-date'
  const day = new Date().toISOString().slice(0, 10).replace(/-/g, '')
  return {
    'x-amz-date': `${day}T000000Z`,
    'x-amz-content-sha256': payload,
    authorization: `AWS4-HMAC-SHA256 Credential=${placeholders['aws-sigv4']}/${day}/eu-west-1/s3/aws4_request, SignedHeaders=${names}, Signature=${'0'.repeat(64)}`,
  }
}

const SMALL: Readonly<Record<string, Way>> = {
  'direct, beside it': way('direct'),
  'passed on unread': way('pass'),
  'looked into': way('inspect'),
  bearer: way('bearer'),
  basic: way('basic'),
  'a header': way('header'),
  'the query': way('query'),
  'a placeholder in a header': way('placeholder', { 'x-token': placeholders.placeholder ?? '' }),
}
// the body is zeros: their hash is a constant of the payload, not of the client's time
const ZEROS = '30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58'
const BIG: Readonly<Record<string, Way>> = {
  'direct, beside it': way('direct', {}, MiB),
  'passed on unread': way('pass', {}, MiB),
  'looked into': way('inspect', {}, MiB),
  bearer: way('bearer', {}, MiB),
  'aws-sigv4, the payload signed': way('aws-sigv4', signed(ZEROS), MiB),
  'aws-sigv4, the payload not signed': way('aws-sigv4', signed('UNSIGNED-PAYLOAD'), MiB),
}

/** Times of `count` requests, one after the other on one connection, ms; what a first one costs is none of theirs. */
function times(job: Namespace, way: Way, count: number): Promise<number[]> {
  return job.evaluate(
    async (require, { host, port, ca, headers, bodyBytes }, count) => {
      const { Agent, request } = require('node:https') as typeof import('node:https')
      const agent = new Agent({
        keepAlive: true,
        maxSockets: 1,
        ca,
        noDelay: true,
      } as import('node:https').AgentOptions)
      const body = bodyBytes === null ? undefined : Buffer.alloc(bodyBytes)
      const all: number[] = []
      for (let index = 0; index < count + 5; index++) {
        const began = performance.now()
        await new Promise<void>((done, fail) => {
          const sent = body === undefined ? headers : { ...headers, 'content-length': String(body.length) }
          const method = body === undefined ? 'GET' : 'PUT'
          const asking = request({ agent, host, port, method, path: '/a?b=c', headers: sent }, (answer) => {
            if (answer.statusCode !== 200) fail(new Error(`${host} said ${answer.statusCode}`))
            answer.resume().on('end', done)
          })
          asking.on('error', fail).end(body)
        })
        if (index >= 5) all.push(performance.now() - began)
      }
      agent.destroy()
      return all
    },
    way,
    count,
  )
}

const quantile = (all: readonly number[], part: number) =>
  [...all].sort((a, b) => a - b)[Math.floor(all.length * part)] ?? 0

interface Measured {
  readonly p50: number
  readonly p99: number
  /** p50 of each round */
  readonly rounds: readonly number[]
}

/** All ways in turn, in each round. */
async function measured(ways: Readonly<Record<string, Way>>, count: number): Promise<Map<string, Measured>> {
  const rounds = new Map(Object.keys(ways).map((name) => [name, [] as number[][]]))
  for (const each of Object.values(ways)) await times(setting.job, each, count) // what is compiled at first is no request's
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, each] of Object.entries(ways))
      rounds.get(name)?.push(await times(setting.job, each, count))
  return new Map(
    [...rounds].map(([name, all]) => [
      name,
      {
        p50: quantile(all.flat(), 0.5),
        p99: quantile(all.flat(), 0.99),
        rounds: all.map((each) => quantile(each, 0.5)),
      },
    ]),
  )
}

/** By how much one is slower than another: the median over rounds, in which both had the same machine. */
function added(all: ReadonlyMap<string, Measured>, name: string, base: string): number {
  const from = all.get(base)?.rounds ?? []
  return quantile(
    (all.get(name)?.rounds ?? []).map((each, round) => each - (from[round] ?? 0)),
    0.5,
  )
}

function table(title: string, all: ReadonlyMap<string, Measured>): string[] {
  const rows = [...all].map(
    ([name, { p50, p99 }]) =>
      `| ${name} | ${p50.toFixed(2)} | ${p99.toFixed(2)} | ${added(all, name, 'passed on unread').toFixed(2)} | ${added(all, name, 'looked into').toFixed(2)} |`,
  )
  return [
    `| ${title} | p50 | p99 | p50 over passed on | p50 over looked into |`,
    '|---|---:|---:|---:|---:|',
    ...rows,
  ]
}

const small = await measured(SMALL, RUNS)
const big = await measured(BIG, BIG_RUNS)
const GOALS: readonly (readonly [what: string, ms: number, most: number])[] = [
  ['looked into, over passed on unread', added(small, 'looked into', 'passed on unread'), 0.4],
  ...['bearer', 'basic', 'a header', 'the query', 'a placeholder in a header'].map(
    (name) => [`${name}, over looked into`, added(small, name, 'looked into'), 0.1] as const,
  ),
  ...['aws-sigv4, the payload signed', 'aws-sigv4, the payload not signed'].map(
    (name) => [`${name}, a MiB, over looked into`, added(big, name, 'looked into'), 1] as const,
  ),
]
for (const line of [
  ...table('a small request, ms', small),
  '',
  ...table('a MiB put, ms', big),
  '',
  '| goal | p50, ms | at most | |',
  '|---|---:|---:|---|',
  ...GOALS.map(
    ([what, ms, most]) => `| ${what} | ${ms.toFixed(2)} | ${most} | ${ms <= most ? 'met' : 'not met'} |`,
  ),
])
  console.log(line)
await setting.close()
process.exit()
