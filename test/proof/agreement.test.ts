/**
 * The attack: a job tries everything: every host, port, protocol and method, every file, every folder. What it reached is seen
 * where it arrived. A regression shows as something that was reached, and that `explain` did not list.
 */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Explanation } from '../../src/proof/index.js'
import type { Report } from '../../src/report/index.js'
import { TestAuthority } from '../gateway/inspect-tools.js'
import { ROOT, testFolder } from '../support/checkout.js'
import { onInternet, type Seen } from '../support/internet/index.js'
import { asEachNetworkUser, glovebox, USERS } from '../support/users.js'
import { type Arrived, HTTP_PORTS, listsReading, listsRequest, listsWriting, TLS_PORTS } from './agreement.js'

const WORLD = fileURLToPath(new URL('agreement-world.js', import.meta.url))
const JOB = join(ROOT, 'test/proof/everything.py')

/** Each name has an address of its own, by which what arrives is told apart. */
const ADDRESSES: Readonly<Record<string, string>> = {
  'api.test': '93.184.216.1',
  'cdn.example.test': '93.184.216.2',
  'a.cdn.example.test': '93.184.216.3',
  'a.b.cdn.example.test': '93.184.216.4',
  'evil-api.test': '93.184.216.5',
  'sub.api.test': '93.184.216.6',
  'db.corp.test': '10.20.0.9',
  'other.corp.test': '10.21.0.9',
  'metadata.test': '169.254.169.254',
  'unlisted.test': '93.184.216.7',
  'plain.test': '93.184.216.8',
}
const IPV6 = '2606:2800:220:1:248:1893:25c8:1946'
const LITERALS = [
  '93.184.216.1',
  '93.184.216.9',
  '169.254.169.254',
  '10.20.0.9',
  '127.0.0.1',
  '10.99.0.2',
  IPV6,
]
const HOSTS = [...Object.keys(ADDRESSES), ...LITERALS]
const FAR = HOSTS.flatMap((host) => [
  ...HTTP_PORTS.flatMap((port) =>
    ['GET', 'POST', 'DELETE'].map((method) => `${method},http,${host},${port},/`),
  ),
  ...TLS_PORTS.flatMap((port) =>
    ['GET', 'POST'].flatMap((method) =>
      ['/', '/open/a', '/open/../shut'].map((path) => `${method},tls,${host},${port},${path}`),
    ),
  ),
])

interface Reached {
  readonly network: readonly string[]
  readonly files: readonly string[]
  readonly written: readonly string[]
  readonly env: readonly string[]
  readonly devices: readonly string[]
  readonly unix: readonly string[]
}

/** Only one of the policies has it; where it arrives, the value does. */
const TOKEN = 'sk-live-4eC39HqLyjWDarjtT1zdp7dc'
const authority = new TestAuthority()
const identity = authority.sign(Object.keys(ADDRESSES).map((name) => `DNS:${name}`))

/** All is tried at once: none of it is to be refused for its number. */
const RATE = 10_000
const POLICIES: Readonly<Record<string, object>> = {
  'that grants nothing': {},
  'with hosts, wildcards, methods, a private block': {
    network: {
      maxRate: RATE,
      allow: [
        'api.test',
        { host: '*.cdn.example.test', ports: [443, 8443] },
        { host: 'plain.test', ports: [80, 8080], protocol: 'http', methods: ['GET', 'HEAD'] },
        { host: 'db.corp.test', ports: [9000], private: ['10.20.0.0/16'] },
      ],
    },
  },
  'with hosts that are looked into, and a credential': {
    network: {
      maxRate: RATE,
      allow: [
        { host: 'api.test', inspect: true, methods: ['GET'], paths: ['/open/**'] },
        { host: '*.cdn.example.test', inspect: true },
        { host: 'plain.test' },
        { host: 'db.corp.test', ports: [9000], private: ['10.20.0.0/16'] },
      ],
    },
    credentials: {
      TOKEN: {
        source: { env: 'TOKEN' },
        hosts: ['plain.test'],
        use: 'bearer',
        methods: ['GET', 'POST'],
        paths: ['/open/**'],
      },
    },
  },
  'with any public host': {
    network: { maxRate: RATE, public: { ports: [80, 443], methods: ['GET', 'HEAD'] } },
  },
}

for (const [name, network] of Object.entries(POLICIES))
  asEachNetworkUser(`what a job reaches under a policy ${name} is what explain lists`, async (user, t) => {
    const folder = testFolder(t, 0o777)
    const place = hostPlace(folder)
    const service = await listening(t, join(place, 'read/socket'))
    const grants = {
      read: [`${place}/read`],
      write: [`${place}/collected:/out`, { path: `${place}/live`, live: true }],
    }
    const policy = join(folder, 'policy.json')
    const more = { env: { LANG: 'C.UTF-8' }, limits: { memory: '512MiB' }, lifetime: { deadline: '5m' } }
    writeFileSync(policy, JSON.stringify({ version: 1, files: grants, ...more, ...network }), { mode: 0o644 })

    const { stdout: said, stderr } = await glovebox(user, ['explain', '--policy', policy, '--json'])
    assert.notEqual(said, '', stderr)
    const explained = JSON.parse(said) as Explanation
    const { reached, arrived, report } = await tryEverything(user, folder, policy)

    assert.deepEqual(unlisted(explained, arrived), [], 'requests arrived that explain does not list')
    const allowed = report.network.filter(({ verdict }) => verdict === 'allow')
    const names = new Set(explained.openings.map(({ name: opening }) => opening))
    assert.deepEqual(
      allowed.filter(({ rule }) => !names.has(rule ?? '')),
      [],
      'by a rule that is no opening',
    )
    const told = new Set(allowed.map(({ address, port }) => `${address} ${port}`))
    assert.deepEqual(
      arrived.filter(({ address, port }) => !told.has(`${address} ${port}`)),
      [],
      'not in the report',
    )

    assert.deepEqual([reached.unix, service.connections], [[], 0], 'a service of the host answered')

    const readable = reached.files.map((canary) => join(place, canary.replace('canary-', ''), 'canary'))
    assert.deepEqual(
      readable.filter((path) => !listsReading(explained, path)),
      [],
    )
    assert.ok(
      reached.files.includes('canary-read') && reached.files.includes('canary-live'),
      'grants are not shown',
    )
    assert.deepEqual(
      leftIn(place).filter((path) => !listsWriting(explained, path)),
      [],
    )
    assert.deepEqual(leftIn(place).length, 2, 'the granted folders can’t be written')
    assert.deepEqual([...reached.env].sort(), [...explained.env].sort())
    const devices = reached.devices.map((name) => (name.startsWith('pts/') ? 'a private pts' : name))
    assert.deepEqual([...new Set(devices)].sort(), [...explained.kernel.devices].sort())
    if (Object.keys(network).length > 0) assert.ok(arrived.length > 0, 'nothing was reached at all')
    else assert.deepEqual(reached.network, [])
    // the comparison itself: one opening less in what is said, and it no longer agrees
    for (const opening of explained.openings.filter(({ way }) => way === 'network' || way === 'credential')) {
      const less = { openings: explained.openings.filter((each) => each !== opening) }
      assert.notDeepEqual(unlisted(less, arrived), [], `nothing went through ${opening.name}`)
    }
  })

test('the same job reaches all of it where nothing keeps it (the control)', async (t) => {
  const folder = testFolder(t, 0o777)
  const heard = join(folder, 'heard')
  writeFileSync(heard, '', { mode: 0o666 })
  const [self] = USERS
  assert.ok(self)
  const far = [
    'GET,http,unlisted.test,80,/',
    'GET,http,metadata.test,80,/',
    'POST,tls,other.corp.test,8443,/open/a',
    `GET,http,${IPV6},80,/`,
  ]
  const { stdout, stderr } = await onInternet(self, folder, ['python3', '-c', CONTROL, ...far], {
    zone: zone(),
    sites: WORLD,
    env: { ...identityIn(folder), HEARD: heard, JOB },
  })
  assert.deepEqual(JSON.parse(stdout || 'null'), far, stderr)
  assert.match(readFileSync(heard, 'utf8'), /^UDP /m)
  const service = await listening(t, join(folder, 'socket'))
  await new Promise<void>((resolve, reject) => {
    const client = connect(service.path, () => resolve(void client.end())).on('error', reject)
  })
})

/** Only its network part: on the host it would leave files everywhere. */
const CONTROL = `
import os, json, sys
code = open(os.environ['JOB']).read().split("def files")[0]
exec(code)
datagram('93.184.216.9')
print(json.dumps([far for far in sys.argv[1:] if reached(far)]))
`

/** The far side's key and certificate, as files that it reads. */
function identityIn(folder: string): { readonly IDENTITY: string } {
  const files = [join(folder, 'far.key'), join(folder, 'far.pem')]
  writeFileSync(files[0] as string, identity.key, { mode: 0o644 })
  writeFileSync(files[1] as string, identity.cert, { mode: 0o644 })
  return { IDENTITY: files.join(' ') }
}

const zone = () => Object.fromEntries(Object.entries(ADDRESSES).map(([name, address]) => [name, [[address]]]))

/** A service of the host, on a socket in a folder that is granted: it counts who comes. */
async function listening(t: TestContext, path: string) {
  const service = { path, connections: 0 }
  const server = createServer((client) => {
    service.connections += 1
    client.destroy()
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => server.close())
  chmodSync(path, 0o777)
  return service
}

/** Folders of the host, each with a canary that says where it lies. */
function hostPlace(folder: string): string {
  const place = join(folder, 'host')
  for (const name of ['read', 'live', 'collected', 'neither']) {
    mkdirSync(join(place, name), { recursive: true })
    chmodSync(join(place, name), 0o777)
    writeFileSync(join(place, name, 'canary'), `canary-${name}\n`, { mode: 0o644 })
  }
  return place
}

async function tryEverything(user: (typeof USERS)[number], folder: string, policy: string) {
  const [report, heard] = [join(folder, 'report.json'), join(folder, 'heard')]
  writeFileSync(heard, '', { mode: 0o666 })
  const argv = user.cli([
    'run',
    '--policy',
    policy,
    '--report',
    report,
    '--input',
    JOB,
    '--',
    'python3',
    'everything.py',
    ...FAR,
  ])
  const { status, stdout, stderr, seen } = await onInternet(user, folder, argv, {
    zone: zone(),
    sites: WORLD,
    authorities: authority.file,
    env: { ...identityIn(folder), HEARD: heard, TOKEN },
    timeoutMs: 400_000,
  })
  assert.equal(status, 0, stderr)
  return {
    reached: JSON.parse(stdout) as Reached,
    arrived: arrivals(readFileSync(heard, 'utf8'), seen),
    report: JSON.parse(readFileSync(report, 'utf8')) as Report,
  }
}

/** All that came: requests, and connections from which none came. */
function arrivals(heard: string, seen: readonly Seen[]): Arrived[] {
  const nameOf = (address: string) =>
    Object.entries(ADDRESSES).find(([, each]) => each === address)?.[0] ?? ''
  const protocolOf = (port: number) => (TLS_PORTS.includes(port) ? 'tls' : 'http')
  const lines = heard.split('\n').filter((line) => line !== '')
  const requests = lines.map((line): Arrived => {
    const [method = '', address = '', port = '', path = '', credential] = line.split(' ')
    const where = { name: nameOf(address), address, port: +port, path }
    return { method, protocol: protocolOf(+port), ...where, credential: credential === 'true' }
  })
  const connections = seen.flatMap(({ kind, address = '', port = 0 }): Arrived[] => {
    const where = { protocol: protocolOf(port), name: nameOf(address), address, port } as const
    return kind === 'tcp' ? [{ ...where, method: 'GET', path: '/open/a', credential: false }] : []
  })
  return [...requests, ...connections]
}

const unlisted = (explained: Pick<Explanation, 'openings'>, arrived: readonly Arrived[]) =>
  arrived.filter((each) => !listsRequest(explained, each))

/** What the job left on the host. */
function leftIn(place: string): string[] {
  return readdirSync(place, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('left-by-the-job'))
    .map((path) => join(place, path))
}
