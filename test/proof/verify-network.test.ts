/**
 * `glovebox verify` attacks the network of a policy from inside. All of it happens in a world of its own, so that a sandbox that is
 * broken reaches decoys and nobody else; and nothing of that world outlives it.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { nativePrograms } from '../../src/boundary/index.js'
import { PROBES } from '../../src/proof/probes/index.js'
import type { Verification } from '../../src/proof/verify/index.js'
import { sharedFolder } from '../support/checkout.js'
import { asEachNetworkUser, glovebox, SUITE_IS_ROOT, type TestUser } from '../support/users.js'

const POLICIES = {
  'no network': {},
  'one TLS host': { allow: ['api.example.com'] },
  'public, some methods': { public: { ports: [80, 443], methods: ['GET', 'HEAD'] } },
  'a wildcard, a database, clear HTTP by path, loopback': {
    loopback: true,
    allow: [
      '*.cdn.example.com',
      { host: 'db.corp.example', ports: [5432], private: ['10.2.0.0/16'] },
      { host: 'plain.example.org', ports: [80], methods: ['GET'], paths: ['/api/**'] },
    ],
  },
  'TLS that is looked into': {
    allow: [
      { host: 'api.example.com', inspect: true, methods: ['GET'], paths: ['/a/**'] },
      'other.example.org',
    ],
    public: { ports: [443], inspect: true },
  },
  'by address, private and its own': {
    allow: [
      { host: '127.0.0.1', ports: [5432], private: ['127.0.0.1/32'] },
      { host: '10.1.2.3', ports: [6379], private: ['10.0.0.0/8'] },
    ],
  },
}

function policyFile(network: object): string {
  const file = join(sharedFolder(), 'policy.json')
  const body = Object.keys(network).length === 0 ? { version: 1 } : { version: 1, network }
  writeFileSync(file, JSON.stringify(body), { mode: 0o644 })
  return file
}

const VERIFY = ['verify', '--only', 'network', '--json']
const OF_NETWORK = new Set(PROBES.filter(({ claim }) => claim.startsWith('network.')).map(({ id }) => id))

for (const [name, network] of Object.entries(POLICIES))
  asEachNetworkUser(`every network claim holds when it is attacked: ${name}`, async (user) => {
    const file = policyFile(network)
    const { stdout, stderr, status } = await glovebox(user, [...VERIFY, '--policy', file])
    assert.equal(stderr, '')
    const results = (JSON.parse(stdout) as Verification).probes
    const wrong = results.filter(({ status: said }) => said === 'broken' || said === 'controlFailed')
    assert.deepEqual(wrong, [])
    assert.equal(status, 0)
    const held = results.filter(({ status: said }) => said === 'holds').map(({ id }) => id)
    const must =
      Object.keys(network).length === 0 ? ['none.tcp', 'none.udp'] : ['gateway.allowed', 'datagrams.udp']
    for (const probe of must) assert.ok(held.includes(probe), `${probe} was not tried: ${held.join(' ')}`)
    assert.ok(held.length >= 10, held.join(' '))
  })

test('each probe of the network has an id, a claim and a threat of the network', () => {
  const own = PROBES.filter(({ id }) => OF_NETWORK.has(id))
  assert.equal(new Set(own.map(({ id }) => id)).size, own.length)
  assert.ok(own.length >= 70, `${own.length}`)
})

/** A variable is anybody's to set: who believed it would reach for the real network. */
asEachNetworkUser('a world that is only claimed is not believed', async (user) => {
  const env = { ...process.env, GLOVEBOX_WORLD: '3 4 5 6' }
  const { stdout, status } = await glovebox(user, VERIFY, { env })
  assert.equal(status, 0)
  const { probes } = JSON.parse(stdout) as Verification
  assert.ok(probes.some(({ id, status: said }) => id === 'none.tcp' && said === 'holds'))
})

const children = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean).map(Number)

function namespaceOf(pid: number | string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return ''
  }
}

function processesIn(namespace: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && namespaceOf(pid) === namespace)
}

async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  for (let tries = 0; tries < 1500; tries++) {
    const found = look()
    if (found !== undefined && found !== false) return found
    await after(20)
  }
  assert.fail(`never: ${what}`)
}

/** A verification that is under way, its inner process, and that one's network. */
async function begun(user: TestUser, temporary: string) {
  const argv = user.as(user.cli(['verify', '--policy', policyFile({ allow: ['api.example.com'] })]))
  const outer: ChildProcess = spawn(argv[0] ?? '', argv.slice(1), {
    cwd: '/',
    env: { ...process.env, TMPDIR: temporary },
    stdio: 'ignore',
  })
  const pid = outer.pid ?? assert.fail('it did not start')
  const here = namespaceOf('self')
  const inner = await until('an inner process', () => children(pid)[0])
  // with a sandbox under way, or about to be
  const namespace = await until('a world', () => {
    const found = namespaceOf(inner)
    return found !== here && found !== '' && children(inner).length > 1 && found
  })
  return { outer, inner, namespace }
}

for (const [how, signal, whom] of [
  ['the caller is killed', 'SIGKILL', 'outer'],
  ['the process in the world is killed', 'SIGKILL', 'inner'],
  ['it is interrupted', 'SIGINT', 'outer'],
  ['it is asked to end', 'SIGTERM', 'outer'],
] as const)
  asEachNetworkUser(`nothing of the world is left when ${how}`, async (user) => {
    const temporary = sharedFolder()
    chmodSync(temporary, 0o777)
    const { outer, inner, namespace } = await begun(user, temporary)
    const ended = once(outer, 'exit')
    process.kill(whom === 'inner' ? inner : (outer.pid ?? 0), signal)
    const [code, by] = await ended
    await until('an empty world', () => processesIn(namespace).length === 0)
    const left = () => readdirSync(temporary).filter((name) => name.startsWith('glovebox-verify-'))
    await until('an empty folder', () => left().length === 0)
    if (signal === 'SIGINT') assert.equal(code ?? by, 130)
    if (signal === 'SIGTERM') assert.equal(code ?? by, 143)
    if (whom === 'inner') assert.equal(code, 137)
  })

asEachNetworkUser('where no world can be made, nothing is said to hold', async (user) => {
  // a namespace in which nobody may make a network: the user's own, or root's without rights
  const refuse = 'echo 0 > /proc/sys/user/max_net_namespaces; exec "$@"'
  const [file = '', ...args] = user.as([
    'unshare',
    '--user',
    '--map-root-user',
    'sh',
    '-c',
    refuse,
    'sh',
    ...user.cli(['verify', '--json']),
  ])
  const { stdout, stderr, status } = spawnSync(file, args, { cwd: '/', encoding: 'utf8' })
  assert.equal(stdout, '')
  assert.match(stderr, /^glovebox: Nothing was verified: .*network namespace/)
  assert.equal(stderr.trim().split('\n').length, 1)
  assert.equal(status, 1)
})

test('cell --world says how it is used, and makes no world without a place to tell of a failure', () => {
  const { cell } = nativePrograms()
  for (const words of [['--world'], ['--world', '80']]) {
    const { status, stderr } = spawnSync(cell, words, { encoding: 'utf8' })
    assert.equal(status, 2)
    assert.match(stderr, /cell --world PORTS PROGRAM/)
  }
  const mute = spawnSync(cell, ['--world', '80', '/bin/true'], { encoding: 'utf8' })
  assert.equal(mute.status, 2)
  assert.match(mute.stderr, /descriptor 3/)
})

test('cell --world tells of a program that it can not start', {
  skip: SUITE_IS_ROOT ? false : 'as root only',
}, () => {
  const { cell } = nativePrograms()
  const stdio = ['ignore', 'ignore', 'ignore', 'pipe'] as const
  const { output, status } = spawnSync(cell, ['--world', '80', '/nowhere/program'], {
    stdio: [...stdio],
    encoding: 'utf8',
  })
  assert.equal(status, 1)
  assert.match(`${output[3]}`, /^cell: world: \/nowhere\/program: 2: No such file/)
})
