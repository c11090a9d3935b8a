/** Hostile jobs with credentials, beside neighbours, and what came through to hosts; see jobs.ts of the egress tests. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Glovebox } from '../../src/index.js'
import { hasSaid, local, play, policyOf } from '../egress/jobs.js'
import { ROOT } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { given, Hosts, nameOf, type Serve, secretsFor } from './hosts.js'
import { RAW_WAYS, repeat, repeatRaw } from './repeating.js'
import { search } from './search.js'

const LOOKED_INTO = ['bearer.test', 'swap.test', 'form.test', 'key.test', 'query.test', 'other.test']
const hosts = new Hosts(...LOOKED_INTO, 'unread.test', 'clear.test', 'raw.test')
const secrets = secretsFor('TOKEN', 'SECOND', 'SWAP', 'FORM', 'KEY', 'QUERY')
/** of SWAP: the attack is given a copy, as if it had got out, backwards */
const LEAKED = [...secrets.SWAP].reverse().join('')

const serve: Serve = async (arrived, response) => {
  const { pathname, searchParams } = new URL(arrived.url, 'https://any.test')
  const value = String(arrived.headers['x-token'] ?? '')
  if (pathname === '/repeat') return repeat(searchParams.get('how') ?? '', value, arrived, response)
  if (arrived.method === 'TRACE') return void response.end(arrived.rawHeaders.join('\n'))
  if (pathname === '/redirect') response.writeHead(301, { location: searchParams.get('to') ?? '' })
  response.end('ok')
}
const port = await hosts.serve(serve)
/** what came to the host that writes its answers itself */
const raw: string[] = []
const rawPort = await hosts.serveRaw((socket) => repeatRaw(socket, (value) => raw.push(value)))
const clearServer = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    const { httpVersion: version, headers, rawHeaders, method = '', url = '' } = request
    const arrived = {
      version,
      host: headers.host ?? '',
      method,
      url,
      headers,
      rawHeaders,
      body: Buffer.alloc(0),
    }
    hosts.arrived.push({ ...arrived, body: Buffer.alloc(0), trailers: [] })
    response.end('ok')
  })
})
const clear = await hosts.far.serve(clearServer)
const glovebox = await Glovebox.start({ network: hosts.network })

const GRANTED = { methods: ['GET', 'POST'] }
const CREDENTIALS = {
  TOKEN: given('bearer.test', port, 'bearer', { ...GRANTED, paths: ['/ok/**'] }),
  SECOND: given('bearer.test', port, 'bearer', { ...GRANTED, paths: ['/second/**'] }),
  SWAP: { ...given('swap.test', port, 'placeholder'), hosts: [`swap.test:${port}`, `raw.test:${rawPort}`] },
  FORM: given('form.test', port, { placeholder: { in: ['query', 'body'] } }),
  QUERY: given('query.test', port, { query: 'key' }),
  KEY: given('key.test', port, { header: 'X-Api-Key' }),
}
const NETWORK = {
  allow: [
    ...LOOKED_INTO.map((name) => local(name, port, 'tls', { inspect: true })),
    local('raw.test', rawPort, 'tls', { inspect: true, upgrade: true }),
    local('unread.test', port, 'tls'),
    ...['clear.test', 'swap.test'].map((name) => local(name, clear, 'http')),
  ],
}
const PLACES = {
  PORT: String(port),
  CLEAR: String(clear),
  RAW: String(rawPort),
  RAWS: JSON.stringify(RAW_WAYS),
}
const ROOM = { limits: { memory: '1GiB', processes: 128 }, lifetime: { deadline: '2m' } }
const JOBS = join(ROOT, 'test/credentials-live/jobs')
const inputs = { 'attack.mjs': readFileSync(join(JOBS, 'attack.mjs')) }

interface Heard {
  readonly statuses: readonly number[]
  readonly end: string
  /** Base64, each part by itself */
  readonly heard: readonly string[]
}
interface Through {
  readonly host: string
  readonly line: string
  /** as what a value arrived, and whose */
  readonly values: readonly string[]
}

/** What came of each attempt: at the job, and at the hosts. */
function judged(stdout: string, { arrived, raw }: ReturnType<typeof taken>) {
  const seen = JSON.parse(stdout) as Record<string, Heard>
  const through = (name: string): Through[] =>
    arrived
      .filter(({ headers }) => decodeURIComponent(String(headers['x-attempt'] ?? 'unmarked')) === name)
      .map((each) => ({
        host: nameOf(each),
        line: `${each.method} ${each.url.split('?')[0]}`,
        values: valuesIn({
          url: each.url,
          head: [...each.rawHeaders, ...each.trailers].join('\n'),
          body: each.body,
        }),
      }))
  const attempts = Object.fromEntries([
    ...Object.entries(seen).map(([name, { statuses, end, heard }]) => [
      name,
      {
        statuses,
        end,
        heard: [...new Set(heard.flatMap((part) => valuesIn(answers(Buffer.from(part, 'base64')))))],
        through: through(name),
      },
    ]),
    [
      'smuggled',
      { statuses: [], end: '', heard: [], through: [...through('smuggled'), ...through('unmarked')] },
    ],
  ])
  return { attempts, raw }
}

/** All that was heard, and of an answer by HTTP/1.1 its body without chunks: what is packed begins there. */
function answers(heard: Buffer): Record<string, Buffer> {
  const head = heard.indexOf('\r\n\r\n')
  if (head === -1) return { heard }
  const pieces: Buffer[] = []
  let at = head + 4
  for (;;) {
    const end = heard.indexOf('\r\n', at)
    const size = end === -1 ? Number.NaN : Number.parseInt(heard.toString('latin1', at, end), 16)
    if (!(size > 0))
      return { heard, body: pieces.length > 0 ? Buffer.concat(pieces) : heard.subarray(head + 4) }
    pieces.push(heard.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
}

const valuesIn = (places: Parameters<typeof search>[1]) =>
  Object.entries(secrets).flatMap(([name, value]) => search(value, places).map((how) => `${name} in ${how}`))

/** What came through since it was last taken; `raw`: how often the host that writes its answers itself got the value. */
const taken = () => ({
  arrived: hosts.arrived.splice(0),
  raw: raw.splice(0).filter((value) => value === secrets.SWAP).length,
})

/** A sandbox that says what its variable holds, and goes on when it is told to. */
function neighbour(name: keyof typeof CREDENTIALS) {
  const stdin = new PassThrough()
  const policy = policyOf(NETWORK, { ...ROOM, credentials: { [name]: CREDENTIALS[name] } })
  const run = glovebox.run(policy, ['sh', '-c', `echo "holds $${name} ."; read line`], {
    stdin,
    secrets: { [name]: secrets[name] },
  })
  let said = ''
  run.stdout.on('data', (piece: Buffer) => (said += piece))
  const holds = hasSaid(run, ' .').then(() => /holds (\S+) /.exec(said)?.[1] ?? '')
  return { run, holds, end: () => stdin.end('\n') }
}

/** The attack in a sandbox, beside another one whose placeholder it knows. */
async function inside() {
  const beside = neighbour('SWAP')
  const STRANGER = await beside.holds
  taken()
  const env = { ...PLACES, LEAKED, STRANGER }
  const policy = policyOf(NETWORK, { ...ROOM, env, credentials: CREDENTIALS })
  const result = await glovebox.run(policy, [process.execPath, 'attack.mjs'], { inputs, secrets })
  beside.end()
  await beside.run
  const { network, credentials } = result.report
  return {
    exitCode: result.exitCode,
    stderr: Buffer.from(result.stderr).toString(),
    ...judged(result.text(), taken()),
    report: valuesIn({ report: JSON.stringify(result.report) }),
    refused: [...new Set(network.map(({ verdict }) => verdict))]
      .filter((verdict) => verdict !== 'allow')
      .sort(),
    credentials,
  }
}

/** The same attack where there is no Glovebox, with the values themselves. */
async function outside() {
  const known = { NODE_EXTRA_CA_CERTS: hosts.authorityFile, DIRECT: 'yes', STRANGER: secrets.SWAP }
  taken()
  const { stdout, stderr } = await finished([process.execPath, join(JOBS, 'attack.mjs')], {
    env: { ...PLACES, LEAKED, ...known, ...secrets },
  })
  return { stderr, ...judged(stdout, taken()) }
}

const attacked = (async () => ({ inside: await inside(), outside: await outside() }))()
await play({
  both: () => attacked,

  async neighbours() {
    await attacked // which takes all that came through

    const has = neighbour('TOKEN')
    await has.holds
    const asked = async (more: object, given: object) => {
      const policy = policyOf(NETWORK, { ...ROOM, ...more })
      const url = `https://bearer.test:${port}/ok/asked`
      await glovebox.run(policy, ['curl', '-sS', url, url], given)
    }
    const came = () => {
      const heads = hosts.arrived.filter(({ url }) => url === '/ok/asked').map(({ rawHeaders }) => rawHeaders)
      hosts.arrived.splice(0)
      return [...new Set(heads.flatMap((head) => valuesIn({ head: head.join('\n') })))]
    }
    await asked({ credentials: { TOKEN: CREDENTIALS.TOKEN } }, { secrets: { TOKEN: secrets.TOKEN } })
    const some = came()
    await Promise.all([
      asked({}, {}),
      asked({ credentials: { KEY: CREDENTIALS.KEY } }, { secrets: { KEY: secrets.KEY } }),
    ])
    const none = came()
    has.end()
    await has.run
    return { some, none }
  },
})
await glovebox.close()
hosts.close()
process.exit()
