/** What a verification says of results, and how: the object, the text, the receipt, the XML. No sandbox is needed to say it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { planSha256, type RequirementId } from '../../src/plan/index.js'
import type { Basis } from '../../src/proof/verify/basis.js'
import {
  checked,
  checkedText,
  junitXml,
  type ProbeResult,
  readReceipt,
  receiptOf,
  selected,
  type Verification,
  verification,
  verificationText,
} from '../../src/proof/verify/index.js'
import { planOf } from './plans.js'

const PLAN = planOf({ limits: { memory: '64MiB' }, waive: ['limits.cpus'] })

const BASIS: Basis = {
  host: {
    kernel: '6.1.0-18-amd64',
    build: '#1 SMP Debian 6.1.76-1',
    arch: 'x64',
    user: 'root',
    securityModules: ['landlock', 'apparmor'],
    jobsModule: 'AppArmor loaded',
    cgroups: 2,
    sysctls: { 'kernel.core_pattern': 'core', 'kernel.io_uring_disabled': '0' },
  },
  versions: { glovebox: '0.1.0', node: 'v22.0.0', wall: 'bubblewrap 0.8.0' },
  parts: { wall: 'b', cell: 'c', agent: 'a', probe: 'p', gateway: 'g', commandLine: 'l' },
  policySha256: 'policy',
  planSha256: 'plan',
}

const result = (probe: string, status: ProbeResult['status'], why: readonly string[] = []): ProbeResult => ({
  probe,
  claim: 'isolation.processes',
  threat: 'host-processes',
  tries: `try ${probe}`,
  status,
  why,
  ms: 5,
})

const found = (
  results: readonly ProbeResult[],
  only: readonly string[] | null = null,
  asked: readonly RequirementId[] | null = null,
): Verification =>
  verification(BASIS, { startedAt: '2026-01-02T03:04:05.000Z', ms: 1234, only, asked, plan: PLAN, results })

const claimOf = (of: Verification) => of.claims.find(({ id }) => id === 'isolation.processes')

describe('a claim', () => {
  const cases: readonly (readonly [ProbeResult['status'][], string, boolean])[] = [
    [['holds', 'holds'], 'holds', true],
    [['holds', 'notApplicable'], 'holds', true],
    [['notApplicable', 'notApplicable'], 'notApplicable', true],
    [['holds', 'controlFailed'], 'controlFailed', false],
    [['holds', 'controlFailed', 'broken'], 'broken', false],
    [[], 'notTried', true],
  ]
  for (const [statuses, expected, passed] of cases)
    test(`of probes that say ${statuses.join(', ') || 'nothing'} is ${expected}`, () => {
      const of = found(statuses.map((status, index) => result(`processes.${index}`, status, ['because'])))
      assert.deepEqual([claimOf(of)?.status, of.passed], [expected, passed])
    })

  test('that is waived, or that the policy asks nothing of, is said to be so', () => {
    const status = (id: string) => found([]).claims.find((claim) => claim.id === id)?.status
    assert.deepEqual([status('limits.cpus'), status('files.read-grants')], ['waived', 'notApplicable'])
  })
})

test('the text has a line a claim, what was reached below it, and a sum', () => {
  const of = found([
    result('processes.signal', 'holds'),
    result('processes.environment', 'broken', ['read /proc/1/environ: ok (A=B)']),
  ])
  const text = verificationText(of).join('\n')
  assert.match(text, /^BROKEN +isolation\.processes +1 of 2 probes held$/m)
  assert.match(
    text,
    /^ +processes\.environment: try processes\.environment\n +reached: read \/proc\/1\/environ: ok \(A=B\)$/m,
  )
  assert.doesNotMatch(text, /try processes\.signal/)
  assert.match(verificationText(of, { verbose: true }).join('\n'), /try processes\.signal/)
  assert.match(text, /^WAIVED +limits\.cpus/m)
  assert.match(text, /^not tried +\S+ +\S/m)
  assert.match(text, /^\d+ claims: 0 hold, 1 broken, 1 waived, .*2 probes in 1\.2 s\.$/m)
  assert.match(text, /run nothing hostile under this policy here/)
})

test('with --only, the rest is not there, and that is said', () => {
  const of = found([result('processes.signal', 'holds')], ['processes.signal'], ['isolation.processes'])
  assert.equal(of.claims.length, 1)
  assert.match(verificationText(of).join('\n'), /^Only processes\.signal: the rest was not looked at/m)
})

test('what --only asks for and does not apply is said not to apply, and does not vanish', () => {
  const of = found([], ['network'], ['network.gateway-only', 'limits.cpus'])
  const text = verificationText(of).join('\n')
  assert.match(text, /^- +network\.gateway-only +the policy asks for nothing of it$/m)
  assert.match(text, /^WAIVED +limits\.cpus/m)
  assert.deepEqual(
    of.claims.map(({ status }) => status),
    ['notApplicable', 'waived'],
  )
})

describe('--only', () => {
  const probe = (id: string) => ({
    id,
    claim: 'isolation.processes' as const,
    threat: 'host-processes' as const,
    tries: 'x',
    trial: () => ({ pointless: 'a test' }),
  })
  const probes = [probe('processes.signal'), probe('processes.environment')]
  const ids = (...wanted: string[]) => selected(probes, wanted).map(({ id }) => id)

  test('means what begins so: a probe, a claim, or a family of them', () => {
    assert.deepEqual(ids('processes.s'), ['processes.signal'])
    assert.deepEqual(ids('isolation.processes'), ids('processes'))
    assert.equal(ids('isol').length, 2)
  })

  test('that means nothing says what there is', () => {
    assert.throws(
      () => ids('procesess.signal'),
      /Did you mean processes\.signal\? There are credentials, files, /,
    )
    assert.throws(() => ids(''), /no claim or probe begins with that/)
    assert.throws(() => ids('limits.memory'), /can't be tried: .*--list/)
  })
})

describe('the digest of a plan', () => {
  test('does not hang on the order of keys', () => {
    const turned = Object.fromEntries(Object.entries(PLAN).reverse()) as unknown as typeof PLAN
    assert.equal(planSha256(turned), planSha256(PLAN))
  })

  test('is another for each change of what is enforced', () => {
    const policies = [
      { limits: { memory: '64MiB' } },
      { limits: { memory: '65MiB' } },
      { limits: { memory: '64MiB' }, lifetime: { deadline: '31s' } },
      { limits: { memory: '64MiB' }, env: { A: 'B' } },
      { limits: { memory: '64MiB' }, files: { read: ['/srv/x'] } },
      { limits: { memory: '64MiB' }, network: { allow: ['a.test'] } },
      { limits: { memory: '64MiB' }, network: { allow: ['b.test'] } },
      { limits: { memory: '64MiB' }, syscalls: { profile: 'compute' } },
      { limits: { memory: '64MiB' }, waive: ['limits.cpus'] },
    ]
    const digests = new Set(policies.map((policy) => planSha256(planOf(policy))))
    assert.equal(digests.size, policies.length)
    assert.notEqual(
      planSha256(planOf({}, 'root with cgroup v1')),
      planSha256(planOf({}, 'an ordinary user with cgroup v2')),
    )
  })

  test('refuses what JSON can not tell from nothing', () => {
    const broken = { ...PLAN, limits: { ...PLAN.limits, memoryBytes: Number.POSITIVE_INFINITY } }
    assert.throws(() => planSha256(broken), RangeError)
  })
})

describe('a receipt', () => {
  const text = JSON.stringify(receiptOf(found([result('processes.signal', 'holds')])))

  test('is read back, and of the same basis nothing has changed', () => {
    const said = checked(readReceipt(text, 'r.json'), BASIS)
    assert.deepEqual([said.passed, said.changes], [true, []])
    assert.match(checkedText(said).join(), /fits this host, this Glovebox and this plan\.$/)
  })

  test('one that did not pass, and fits, says both', () => {
    const broken = JSON.stringify(receiptOf(found([result('processes.signal', 'broken')])))
    const said = checkedText(checked(readReceipt(broken, 'r.json'), BASIS)).join('\n')
    assert.match(said, /BROKEN/)
    assert.match(said, /fits what is here now, and says that not all of it holds/)
    assert.doesNotMatch(said, /says nothing of what is here/)
  })

  /** how the basis is another now, and what is said of it */
  const changed: readonly (readonly [Partial<Basis>, RegExp])[] = [
    [
      { host: { ...BASIS.host, kernel: '6.1.0-19-amd64' } },
      /host\.kernel: 6\.1\.0-18-amd64 → 6\.1\.0-19-amd64/,
    ],
    [{ host: { ...BASIS.host, build: '#1 SMP Debian 6.1.82-1' } }, /host\.build: .*76-1 → .*82-1/],
    [{ host: { ...BASIS.host, arch: 'arm64' } }, /host\.arch: x64 → arm64/],
    [{ host: { ...BASIS.host, user: 'ordinary' } }, /host\.user: root → ordinary/],
    [
      { host: { ...BASIS.host, securityModules: ['landlock'] } },
      /host\.securityModules: landlock, apparmor → landlock/,
    ],
    [{ host: { ...BASIS.host, jobsModule: null } }, /host\.jobsModule: AppArmor loaded → none/],
    [{ host: { ...BASIS.host, cgroups: 1 } }, /host\.cgroups: 2 → 1/],
    [
      {
        host: {
          ...BASIS.host,
          sysctls: { 'kernel.core_pattern': '|/bin/x', 'kernel.io_uring_disabled': '0' },
        },
      },
      /core_pattern: core → \|\/bin\/x/,
    ],
    [
      { host: { ...BASIS.host, sysctls: { 'kernel.core_pattern': 'core' } } },
      /io_uring_disabled: 0 → nothing/,
    ],
    [{ versions: { ...BASIS.versions, glovebox: '0.2.0' } }, /versions\.glovebox: 0\.1\.0 → 0\.2\.0/],
    [{ versions: { ...BASIS.versions, node: 'v24.0.0' } }, /versions\.node/],
    [{ versions: { ...BASIS.versions, wall: null } }, /versions\.wall: bubblewrap 0\.8\.0 → none/],
    ...(['wall', 'cell', 'agent', 'probe', 'gateway', 'commandLine'] as const).map(
      (part) =>
        [{ parts: { ...BASIS.parts, [part]: 'other' } }, new RegExp(`parts\\.${part}: \\w → other`)] as const,
    ),
    [{ policySha256: 'other' }, /policySha256: policy → other \(it was another policy, or other flags\)/],
    [{ planSha256: 'other' }, /planSha256: plan → other/],
  ]
  for (const [change, says] of changed)
    test(`is of something else when ${Object.keys(change)[0]} is: ${says.source.slice(0, 40)}`, () => {
      const said = checked(readReceipt(text, 'r.json'), { ...BASIS, ...change })
      assert.equal(said.changes.length, 1)
      const lines = checkedText(said).join('\n')
      assert.match(lines, says)
      assert.match(lines, /^CHANGED {2}\S+: .* → .* \(.+\)$/m)
      assert.match(lines, /verify again\.$/)
    })

  test('of a run in which something broke is no receipt that all holds', () => {
    const broken = JSON.stringify(receiptOf(found([result('processes.signal', 'broken', ['x'])])))
    const said = checked(readReceipt(broken, 'r.json'), BASIS)
    assert.deepEqual([said.passed, said.changes.length], [false, 0])
    assert.match(checkedText(said)[0] ?? '', /^BROKEN/)
  })

  const edited = (change: object) => JSON.stringify({ ...JSON.parse(text), ...change })
  const bad: readonly (readonly [string, string, RegExp])[] = [
    [
      'with one character edited',
      text.replace('6.1.0-18', '6.1.0-19'),
      /was changed after it was written, or is damaged/,
    ],
    ['with a verdict edited', text.replace('"holds"', '"broken"'), /was changed after/],
    ['with something added', edited({ extra: 1 }), /was changed after/],
    ['cut off', text.slice(0, -20), /it is no JSON/],
    ['that is empty', '', /it is no JSON/],
    [
      'of another version',
      edited({ version: 2 }),
      /is a receipt of version 2; this Glovebox reads version 1/,
    ],
    ['of a version that is a bomb', edited({ version: '\u001b[2J'.repeat(99) }), /version \\u\{1b\}\[2J/],
    ['that is a report of `run`', '{"version":1,"id":"x"}', /is no receipt of `glovebox verify`/],
    ['that is a list', '[]', /is no receipt/],
    ['that is null', 'null', /is no receipt/],
    ['that is what --json prints', JSON.stringify(found([])), /is what --json prints, not a receipt/],
    ['of a part', JSON.stringify(receiptOf(found([], ['x']))), /is of a part of the probes only/],
    ['with a number beyond all bounds', text.replace('"ms":1234', '"ms":1e999'), /no receipt is like that/],
    [
      'nested without end',
      `{"format":"glovebox-verification","x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
      /no receipt is like that/,
    ],
  ]
  for (const [what, content, says] of bad)
    test(`${what} is refused`, () => {
      assert.throws(
        () => readReceipt(content, 'r.json'),
        (error: Error) => {
          assert.match(error.message, /^r\.json (is|was) .* Verify again, with --receipt\.$/)
          return says.test(error.message)
        },
      )
    })

  test('keeps its digest whatever the order of its keys and however it is indented', () => {
    const turned = Object.fromEntries(Object.entries(JSON.parse(text)).reverse())
    assert.ok(readReceipt(JSON.stringify(turned, null, 4), 'r.json').passed)
  })
})

describe('JUnit', () => {
  const hostile = [
    '<![CDATA[ ]]> & "\'',
    '\u0000\u0001\u001b[2J\u0085\ufffe\uffff\ud800',
    '\u202e</failure>',
    '\n</testsuites>',
  ]
  const of = found([
    result('processes.signal', 'holds'),
    result('processes.environment', 'broken', hostile),
    result('processes.trace', 'controlFailed', hostile),
    result('processes.lacking', 'notApplicable', hostile),
  ])
  const xml = junitXml(of)

  test('is one suite a family, one case a probe, with what was reached', () => {
    assert.match(xml, /<testsuite name="isolation" tests="\d+" failures="1" errors="1" skipped="\d+"/)
    assert.match(
      xml,
      /classname="isolation\.processes" name="processes\.signal: try processes\.signal" time="0\.005"\/>/,
    )
    assert.match(
      xml,
      /<testcase classname="limits\.cpus" .*<skipped message="waived by the policy or a flag"\/>/,
    )
    const cases = xml.match(/<testcase /g)?.length
    assert.match(
      xml,
      new RegExp(`<testsuites name="glovebox verify" tests="${cases}" failures="1" errors="1"`),
    )
  })

  test('has no character that XML can not have, whatever came out of a sandbox', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.doesNotMatch(xml, /[\x00-\x09\x0b-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff\u202e]/)
    assert.equal(xml.match(/<\/testsuites>/g)?.length, 1)
  })

  const parser = ['/usr/bin/xmllint', '/usr/bin/python3'].find((file) => existsSync(file))
  test('is XML to a real parser', {
    skip: parser === undefined ? 'neither xmllint nor python3 is here' : false,
  }, () => {
    const args = parser?.endsWith('xmllint')
      ? ['--noout', '-']
      : ['-c', 'import sys,xml.dom.minidom as m; m.parseString(sys.stdin.buffer.read())']
    const { status, stderr } = spawnSync(parser ?? '', args, { input: xml, encoding: 'utf8' })
    assert.equal(status, 0, stderr)
  })
})
