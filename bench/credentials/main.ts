/**
 * npm run bench -- credentials [--runs N]: what each step of a credential costs by itself, without a gateway: a head that carries a value,
 * a signature, a MiB that is looked through. Then what a request costs by way of one (test/credentials-live/cost.ts), which stands beside
 * the tests, whose hosts and clients it uses. `--write` puts the tables into docs/credentials.md.
 */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import {
  attach,
  HeldCredentials,
  type Material,
  makePlaceholder,
  type RequestHead,
  Scanner,
  Secret,
  sha256,
} from '../../src/credentials/index.js'
import type { CredentialUse } from '../../src/policy/index.js'

const MiB = 1024 * 1024
const PIECE = 64 * 1024
const PLACE = /<!-- bench -->\n[\s\S]*?<!-- \/bench -->/

const held = (use: CredentialUse, material: Material) =>
  new HeldCredentials(
    [
      {
        grant: {
          name: 'T',
          hosts: [{ name: 'api.test', port: 443 }],
          use,
          methods: ['GET', 'PUT'],
          paths: null,
          ttlMs: null,
          uses: null,
          onReflection: 'cut',
        },
        placeholder: makePlaceholder(),
        material,
        expiresAt: null,
      },
    ],
    0,
  )
const plain: Material = { kind: 'value', value: new Secret('T', randomBytes(20).toString('hex')) }
const aws: Material = {
  kind: 'aws',
  keys: {
    accessKeyId: 'AKIAEXAMPLEEXAMPLE',
    secret: new Secret('T', randomBytes(20).toString('hex')),
    sessionToken: null,
    expiresAt: null,
  },
}

const HEADERS = Array.from(
  { length: 12 },
  (_, index) => [`X-Header-${index}`, `some value of a header, number ${index}`] as const,
)
const head = (more: Partial<RequestHead> = {}): RequestHead => ({
  method: 'GET',
  host: 'api.test',
  port: 443,
  secure: true,
  target: '/repos/octocat?per_page=100&page=2',
  headers: HEADERS,
  pathFits: () => true,
  ...more,
})
const now = { monotonic: 0, date: Date.now() }

/** Median, ms, of one call. */
function median(act: () => void, rounds: number, each: number): number {
  const times = Array.from({ length: rounds }, () => {
    const start = performance.now()
    for (let count = 0; count < each; count++) act()
    return (performance.now() - start) / each
  })
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0
}

const rows: (readonly [string, number])[] = []
const uses: readonly (readonly [string, CredentialUse])[] = [
  ['a head: bearer', { kind: 'bearer' }],
  ['a head: basic', { kind: 'basic', user: 'u' }],
  ['a head: query', { kind: 'query', key: 'key' }],
]
for (const [name, use] of uses) {
  const one = held(use, plain)
  rows.push([name, median(() => attach(one, head(), now), 30, 200)])
}
const swapping = held({ kind: 'placeholder', in: ['headers'] }, plain)
const mark = swapping.all[0]?.placeholder ?? ''
rows.push([
  'a head: placeholder, swapped',
  median(
    () => attach(swapping, head({ headers: [...HEADERS, ['Authorization', `Bearer ${mark}`]] }), now),
    30,
    200,
  ),
])
const signing = held({ kind: 'aws-sigv4', region: 'eu-west-1', service: 's3', presigned: false }, aws)
const line = `AWS4-HMAC-SHA256 Credential=${signing.all[0]?.placeholder}/20300102/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=${'f'.repeat(64)}`
const signed = head({
  method: 'PUT',
  headers: [...HEADERS, ['Authorization', line], ['x-amz-content-sha256', 'UNSIGNED-PAYLOAD']],
})
rows.push([
  'a head: aws-sigv4, signed anew',
  median(
    () => {
      const answer = attach(signing, signed, now)
      if (answer.kind === 'attached') answer.sign?.sign(null)
    },
    30,
    100,
  ),
])

const text = JSON.stringify(
  Array.from({ length: 20_000 }, (_, id) => ({
    id,
    name: `name ${id}`,
    text: 'a "quoted" line\nand one more',
  })),
)
const bodies: readonly (readonly [string, Buffer])[] = [
  ['zeros', Buffer.alloc(MiB)],
  ['random bytes', randomBytes(MiB)],
  ['Base64', Buffer.from(randomBytes(MiB).toString('base64')).subarray(0, MiB)],
  ['JSON with escapes', Buffer.from(text).subarray(0, MiB)],
  ['nothing but escapes', Buffer.from('%41'.repeat(MiB / 3))],
]
for (const [name, body] of bodies)
  rows.push([
    `a MiB looked through: ${name}`,
    median(
      () => {
        const scanner = new Scanner(swapping.watched.all)
        for (let at = 0; at < body.length; at += PIECE) scanner.feed(body.subarray(at, at + PIECE))
      },
      15,
      1,
    ),
  ])
const random = randomBytes(MiB)
rows.push(['SHA-256 of a MiB, for comparison', median(() => sha256(random), 15, 1)])

const lines = [
  `Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${release()}, Node ${process.version}. Command: \`npm run bench -- credentials\`; medians, ms.`,
  '',
  '| step | ms |',
  '|---|---:|',
  ...rows.map(([name, ms]) => `| ${name} | ${ms.toFixed(3)} |`),
]
for (const each of lines) console.log(each)
console.log('\nWhat a request costs, by way of a gateway:\n')
const runs = process.argv.indexOf('--runs')
const { stdout, status } = spawnSync(
  process.execPath,
  [
    join(import.meta.dirname, '../../test/credentials-live/cost.js'),
    ...(runs === -1 ? [] : process.argv.slice(runs, runs + 2)),
  ],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
)
if (status !== 0) throw new Error('the requests were not measured')
console.log(stdout)
lines.push('', ...stdout.trimEnd().split('\n'))
if (process.argv.includes('--write')) {
  const file = join(import.meta.dirname, '../../../docs/credentials.md')
  const document = readFileSync(file, 'utf8')
  if (!PLACE.test(document)) throw new Error('docs/credentials.md has no place for the table')
  writeFileSync(file, document.replace(PLACE, `<!-- bench -->\n${lines.join('\n')}\n<!-- /bench -->`))
}
