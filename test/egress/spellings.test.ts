/**
 * The attack: reach a metadata service, a neighbour of the host or the host itself, by any spelling of its address and by any name
 * that leads there. A regression would show as a connection at the far side, which plays every address there is.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Report } from '../../src/report/index.js'
import { HAS_OWN_STACK } from '../support/boundary.js'
import { ROOT, testFolder } from '../support/checkout.js'
import { HOST_ADDRESS, onInternet, QUIET_ADDRESS, ROUTER_ADDRESS } from '../support/internet/index.js'
import { asEachNetworkUser, USERS } from '../support/users.js'

const WORLD = fileURLToPath(new URL('decoys-world.js', import.meta.url))
const PROGRAM = join(ROOT, 'test/egress/knock.py')
const PUBLIC = '93.184.216.34'

/** What a name leads to, and with which verdict it ends. */
const NAMES: readonly [name: string, turns: string[][], verdict: string][] = [
  ['public.test', [[PUBLIC]], 'allow'],
  ['metadata.test', [['169.254.169.254']], 'denyMetadata'],
  ['metadata6.test', [['fd00:ec2::254']], 'denyMetadata'],
  ['neighbour.test', [[ROUTER_ADDRESS]], 'denyPrivate'],
  ['neighbour6.test', [['fd99::1']], 'denyPrivate'],
  ['me.test', [[HOST_ADDRESS]], 'denyOwnAddress'],
  ['quiet.test', [[QUIET_ADDRESS]], 'denyOwnAddress'],
  ['loopback.test', [['127.0.0.1']], 'denyLoopback'],
  ['loopback6.test', [['::1']], 'denyLoopback'],
  ['zero.test', [['0.0.0.0']], 'denyReserved'],
  ['shared.test', [['100.64.0.1']], 'denyCgnat'],
  ['link.test', [['169.254.7.7']], 'denyLinkLocal'],
  ['group.test', [['224.0.0.1']], 'denyMulticast'],
  ['mapped.test', [['::ffff:10.99.0.1']], 'denyEmbedded'],
  ['nat64.test', [['64:ff9b::a9fe:a9fe']], 'denyEmbedded'],
  ['sixtofour.test', [['2002:a9fe:a9fe::1']], 'denyEmbedded'],
  ['gone.test', [[]], 'denyUnresolved'],
]

/** Without a name. Where an address has several spellings, all that the C library or Python reads are tried. */
const LITERALS: readonly [spellings: string[], verdict: string][] = [
  [
    [
      '169.254.169.254',
      '2852039166',
      '0xa9fea9fe',
      '0251.0376.0251.0376',
      '169.254.43518',
      '0xa9.254.0251.254',
    ],
    'denyMetadata',
  ],
  [['100.100.100.200'], 'denyMetadata'],
  [['168.63.129.16'], 'denyMetadata'],
  [['fd00:ec2::254', 'FD00:0EC2:0:0:0:0:0:0254'], 'denyMetadata'],
  [[ROUTER_ADDRESS, '10.6488065'], 'denyPrivate'],
  [['127.0.0.1', '127.1', '0x7f.1', '2130706433', '127.255.255.254'], 'denyLoopback'],
  [['::1'], 'denyLoopback'],
  [['64:ff9b::a9fe:a9fe'], 'denyEmbedded'],
  [['2002:a9fe:a9fe::1'], 'denyEmbedded'],
  [['240.0.0.1', '255.255.255.255'], 'denyReserved'],
]

const ZONE = Object.fromEntries(NAMES.map(([name, turns]) => [name, turns]))
const TARGETS = [...NAMES.map(([name]) => name), ...LITERALS.flatMap(([spellings]) => spellings)]

asEachNetworkUser(
  'no spelling and no name leads a public-only job to anything that is not public',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const report = join(folder, 'report.json')
    const argv = user.cli([
      ...['run', '--allow-public', '--report', report, '--input', PROGRAM, '--deadline', '60s'],
      ...['--', 'python3', 'knock.py', '80', ...TARGETS],
    ])
    const { seen, status, stdout, stderr } = await onInternet(user, folder, argv, {
      zone: ZONE,
      sites: WORLD,
    })
    assert.equal(status, 0, stderr)
    assert.deepEqual(dialled(seen), [PUBLIC])
    const answered = stdout.split('\n').filter((line) => line.endsWith(' answered'))
    assert.deepEqual(answered, ['public.test answered'])
    const { network } = JSON.parse(readFileSync(report, 'utf8')) as Report
    for (const [name, , verdict] of NAMES) {
      const verdicts = network.filter((attempt) => attempt.name === name).map((attempt) => attempt.verdict)
      assert.ok(verdicts.includes(verdict), `${name}: ${verdicts}`)
    }
    for (const [[address], verdict] of LITERALS) {
      const found = network.filter((attempt) => attempt.name === null && attempt.address === address)
      if (HAS_OWN_STACK && verdict === 'denyLoopback') continue
      assert.ok(found.length > 0, `${address} is not on record`)
      assert.deepEqual([...new Set(found.map((attempt) => attempt.verdict))], [verdict], address)
    }
  },
)

test('the same attempts reach the decoys where nothing keeps them (the control)', async (t) => {
  const [self] = USERS
  assert.ok(self)
  const argv = ['python3', PROGRAM, '80', ...TARGETS]
  const { seen } = await onInternet(self, testFolder(t, 0o755), argv, { zone: ZONE, sites: WORLD })
  const reached = dialled(seen)
  for (const address of ['169.254.169.254', ROUTER_ADDRESS, 'fd00:ec2::254', 'fd99::1', '100.64.0.1', PUBLIC])
    assert.ok(reached.includes(address), address)
})

asEachNetworkUser('a name that is rebound between two connections is checked both times', async (user, t) => {
  const folder = testFolder(t, 0o777)
  const report = join(folder, 'report.json')
  const names = ['rebound.test', 'rebound.test', 'rebound.test']
  const argv = user.cli([
    ...['run', '--allow-public', '--report', report, '--input', PROGRAM],
    ...['--', 'python3', 'knock.py', '80', ...names],
  ])
  const zone = { 'rebound.test': [[PUBLIC], ['169.254.169.254'], [ROUTER_ADDRESS]] }
  const { seen, stdout, stderr } = await onInternet(user, folder, argv, { zone, sites: WORLD })
  assert.deepEqual(dialled(seen), [PUBLIC], stderr)
  assert.match(stdout, /^rebound\.test answered\nrebound\.test refused/)
})

asEachNetworkUser(
  'of mixed answers only the good are dialled, and the bad are on record',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const report = join(folder, 'report.json')
    const argv = user.cli([
      ...['run', '--allow-host', 'mixed.test:80', '--report', report, '--input', PROGRAM],
      ...['--', 'python3', 'knock.py', '80', 'mixed.test'],
    ])
    const zone = { 'mixed.test': [[ROUTER_ADDRESS, PUBLIC, '169.254.169.254']] }
    const { seen, stdout, stderr } = await onInternet(user, folder, argv, { zone, sites: WORLD })
    assert.deepEqual(dialled(seen), [PUBLIC], stderr)
    assert.equal(stdout, 'mixed.test answered\n')
    const { network } = JSON.parse(readFileSync(report, 'utf8')) as Report
    const bad = network.filter(({ verdict }) => verdict !== 'allow').map(({ address }) => address)
    assert.deepEqual(bad.sort(), [ROUTER_ADDRESS, '169.254.169.254'].sort())
  },
)

asEachNetworkUser('a look-alike of an allowed name is another name', async (user, t) => {
  const folder = testFolder(t, 0o777)
  const alike = [
    'evil-allowed.test',
    'allowed.test.evil.test',
    'xallowed.test',
    'sub.allowed.test',
    'test',
    'allowed.tes',
    'xn--llowed-5ua.test',
  ]
  const argv = user.cli([
    ...['run', '--allow-host', 'allowed.test:80', '--input', PROGRAM],
    ...['--', 'python3', 'knock.py', '80', 'ALLOWED.test.', ...alike],
  ])
  const zone = Object.fromEntries(['allowed.test', ...alike].map((name) => [name, [[PUBLIC]]]))
  const { seen, stdout } = await onInternet(user, folder, argv, { zone, sites: WORLD })
  assert.deepEqual(
    stdout.split('\n').filter((line) => line.endsWith(' answered')),
    ['ALLOWED.test. answered'],
  )
  const asked = seen.filter(({ kind }) => kind === 'dns').map(({ name }) => name)
  assert.deepEqual([...new Set(asked)], ['allowed.test'], 'a denied name was asked for upstream')
})

function dialled(seen: readonly { readonly kind: string; readonly address?: string }[]): string[] {
  return [...new Set(seen.filter(({ kind }) => kind === 'tcp').map(({ address = '' }) => address))]
}
