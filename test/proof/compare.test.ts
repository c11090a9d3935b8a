/** Each attack is an edit of a policy that a reviewer might wave through: it lets a job do more, and looks as if it did not. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { comparePlans, type Difference, widens } from '../../src/proof/index.js'
import { planOf } from './plans.js'

const net = (...allow: unknown[]) => ({ network: { allow } })
const read = (...grants: string[]) => ({ files: { read: grants } })
const write = (...grants: unknown[]) => ({ files: { write: grants } })

const brief = ({ change, subject }: Difference) => `${change} ${subject}`
const compare = (old: object, now: object) => comparePlans(planOf(old), planOf(now)).map(brief)

const LESS: readonly (readonly [what: string, old: object, now: object])[] = [
  ['TLS that is looked into from now on', net('a.test.test'), net({ host: 'a.test.test', inspect: true })],
  [
    '… with methods',
    net('a.test.test'),
    net({ host: 'a.test.test', inspect: true, methods: ['GET'], upgrade: true }),
  ],
]

const CREDENTIAL = {
  source: 'caller',
  hosts: ['a.test.test'],
  use: 'bearer',
  methods: ['GET'],
  paths: ['/a/**'],
  ttl: '60s',
  uses: 5,
}
const used = (more: object = {}) => ({
  network: { allow: ['a.test.test', 'b.test.test'] },
  credentials: { T: { ...CREDENTIAL, ...more } },
})
const used0 = { network: used().network }

type Case = readonly [what: string, old: object, now: object, expected: readonly string[]]

const HTTP = { host: 'api.test.test', ports: [80] }

const WIDER: readonly Case[] = [
  [
    'a first host',
    {},
    net('api.test'),
    ['appeared network', 'appeared network.allow[0]', 'widened network.none'],
  ],
  ['a credential', used0, used(), ['appeared credentials.T']],
  [
    'a credential for a host more',
    used(),
    used({ hosts: ['a.test.test', 'b.test.test'] }),
    ['widened credentials.T'],
  ],
  ['a credential for any method', used(), used({ methods: undefined }), ['widened credentials.T']],
  ['a credential for other paths', used(), used({ paths: ['/**'] }), ['widened credentials.T']],
  ['a credential that lives longer', used(), used({ ttl: '61s' }), ['widened credentials.T.ttl']],
  ['a credential for more requests', used(), used({ uses: undefined }), ['widened credentials.T.uses']],
  ['one host more', net('a.test.test'), net('a.test.test', 'b.test.test'), ['appeared network.allow[1]']],
  ['a name that becomes a wildcard', net('api.x.test'), net('*.x.test'), ['widened network.allow[0]']],
  ['a wildcard of a parent', net('*.b.x.test'), net('*.x.test'), ['widened network.allow[0]']],
  [
    'a wildcard that does not reach the apex',
    net('*.x.test'),
    net('*.x.test', 'x.test'),
    ['appeared network.allow[1]'],
  ],
  [
    'a port more',
    net('a.test.test:443'),
    net({ host: 'a.test.test', ports: [443, 8443] }),
    ['widened network.allow[0]'],
  ],
  [
    'TLS that becomes free bytes',
    net('a.test.test'),
    net({ host: 'a.test.test', protocol: 'tcp' }),
    ['widened network.allow[0]'],
  ],
  [
    'TLS that is no longer looked into',
    net({ host: 'a.test.test', inspect: true }),
    net('a.test.test'),
    ['widened network.allow[0]'],
  ],
  [
    'a method more inside TLS',
    net({ host: 'a.test.test', inspect: true, methods: ['GET'] }),
    net({ host: 'a.test.test', inspect: true, methods: ['GET', 'POST'] }),
    ['widened network.allow[0]'],
  ],
  [
    'an upgrade inside TLS',
    net({ host: 'a.test.test', inspect: true }),
    net({ host: 'a.test.test', inspect: true, upgrade: true }),
    ['widened network.allow[0]'],
  ],
  ['methods that become any', net({ ...HTTP, methods: ['GET'] }), net(HTTP), ['widened network.allow[0]']],
  [
    'a method more',
    net({ ...HTTP, methods: ['GET'] }),
    net({ ...HTTP, methods: ['GET', 'POST'] }),
    ['widened network.allow[0]'],
  ],
  [
    'a path pattern that reaches further',
    net({ ...HTTP, paths: ['/pub/*'] }),
    net({ ...HTTP, paths: ['/pub/**'] }),
    ['widened network.allow[0]'],
  ],
  ['paths that become any', net({ ...HTTP, paths: ['/**'] }), net(HTTP), ['widened network.allow[0]']],
  ['upgrade', net(HTTP), net({ ...HTTP, upgrade: true }), ['widened network.allow[0]']],
  [
    'a private block',
    net('a.test.test'),
    net({ host: 'a.test.test', private: ['10.1.0.0/16'] }),
    ['widened network.allow[0]'],
  ],
  [
    'a wider private block',
    net({ host: 'a.test.test', private: ['10.1.0.0/16'] }),
    net({ host: 'a.test.test', private: ['10.0.0.0/8'] }),
    ['widened network.allow[0]'],
  ],
  [
    'a rule removed before a wider one, which had kept a name from private addresses',
    net({ host: 'a.x.test', ports: [80] }, { host: '*.x.test', ports: [80], private: ['10.0.0.0/8'] }),
    net({ host: '*.x.test', ports: [80], private: ['10.0.0.0/8'] }),
    ['widened network.allow[0]'],
  ],
  [
    'the same of a path: what an earlier rule had kept from private addresses',
    net({ ...HTTP, paths: ['/in/**'] }, { ...HTTP, private: ['10.0.0.0/8'] }),
    net({ ...HTTP, private: ['10.0.0.0/8'] }),
    ['widened network.allow[0]'],
  ],
  [
    'two such rules in the other order',
    net('a.x.test', { host: '*.x.test', private: ['10.0.0.0/8'] }),
    net({ host: '*.x.test', private: ['10.0.0.0/8'] }, 'a.x.test'),
    ['widened network.allow[0]'],
  ],
  [
    'a bound of a rule raised',
    net({ host: 'a.test.test', maxUpload: '1KiB' }),
    net({ host: 'a.test.test', maxUpload: '2KiB' }),
    ['widened network.allow[0]'],
  ],
  [
    'a bound of a rule dropped',
    net({ host: 'a.test.test', maxRate: 3 }),
    net('a.test.test'),
    ['widened network.allow[0]'],
  ],
  [
    'a rule split in two, so that its bound counts twice',
    net({ host: 'a.test.test', ports: [443, 8443], maxUpload: '1KiB' }),
    net(
      { host: 'a.test.test', maxUpload: '1KiB' },
      { host: 'a.test.test', ports: [8443], maxUpload: '1KiB' },
    ),
    ['widened network.allow[0], network.allow[1]'],
  ],
  [
    'two rules made one with the bounds of both',
    net({ host: 'a.test.test', maxUpload: '1KiB' }, { host: 'b.test.test', maxUpload: '1KiB' }),
    net({ host: '*.test.test', maxUpload: '2KiB' }),
    ['widened network.allow[0]', 'widened network.allow[0]', 'widened network.allow[0]'],
  ],
  [
    'any public host',
    net('a.test.test'),
    { network: { allow: ['a.test.test'], public: {} } },
    ['widened network.public', 'widened network.public'],
  ],
  [
    "the job's own servers",
    net('a.test.test'),
    { network: { allow: ['a.test.test'], loopback: true } },
    ['appeared network.loopback'],
  ],
  [
    'a bound of the whole network',
    { network: {} },
    { network: { maxUpload: '1GiB' } },
    ['widened network.maxUpload'],
  ],
  [
    'a timeout of the network',
    { network: {} },
    { network: { timeouts: { idle: '2m' } } },
    ['widened network.timeouts.idle'],
  ],
  ['a folder to read', {}, read('/srv/a'), ['appeared files.read']],
  ["a grant's parent folder", read('/srv/a/b'), read('/srv/a'), ['widened files.read']],
  [
    'a folder whose name only begins alike',
    read('/srv/a'),
    read('/srv/a', '/srv/ab'),
    ['appeared files.read'],
  ],
  [
    'collected that becomes live',
    write('/srv/out:/out'),
    write({ path: '/srv/out', inside: '/out', live: true }),
    ['widened files.write'],
  ],
  [
    'read that becomes live',
    read('/srv/out:/out'),
    write({ path: '/srv/out', inside: '/out', live: true }),
    ['widened files.write'],
  ],
  ['memory', {}, { limits: { memory: '1GiB' } }, ['widened limits.memory']],
  ['a deadline', {}, { lifetime: { deadline: '1m' } }, ['widened lifetime.deadline']],
  [
    'a sandbox that is used again',
    {},
    { lifetime: { reuse: { within: 'tenant' } } },
    ['widened lifetime.reuse.age', 'widened lifetime.reuse.runs', 'widened lifetime.single-use'],
  ],
  [
    'one that keeps its files, more often and longer',
    { lifetime: { reuse: { within: 'tenant', runs: 2, age: '1m' } } },
    { lifetime: { reuse: { within: 'tenant', runs: 3, age: '2m', scratch: 'keep' } } },
    ['widened lifetime.reuse.age', 'widened lifetime.reuse.runs', 'widened lifetime.reuse.scratch'],
  ],
  [
    'silence that is no longer bounded',
    { lifetime: { noOutput: '5s' } },
    {},
    ['widened lifetime.no-output', 'widened lifetime.noOutput'],
  ],
  ['a variable', {}, { env: { TOKEN: 'x' } }, ['appeared env']],
  [
    'the compute profile left',
    { syscalls: { profile: 'compute' } },
    {},
    ['widened syscalls.no-exec', 'widened syscalls.no-sockets', 'widened syscalls.profile'],
  ],
  ['a call allowed', {}, { syscalls: { allow: ['ptrace'] } }, ['appeared syscalls.allow']],
  ['a call no longer denied', { syscalls: { deny: ['flock'] } }, {}, ['appeared syscalls not denied']],
  [
    'a lock no longer offered',
    { syscalls: { lock: 'sealed' } },
    {},
    ['widened syscalls.lock', 'widened syscalls.lock'],
  ],
  ['a waiver', {}, { waive: ['limits.cpus'] }, ['appeared waive', 'widened limits.cpus']],
]

describe('an edit that widens is named, and its way back narrows', () => {
  for (const [what, old, now, expected] of WIDER)
    test(what, () => {
      const there = compare(old, now)
      const wider = there.filter((line) => /^(appeared|widened|changed)/.test(line))
      assert.deepEqual(wider.sort(), [...expected].sort())
      const back = comparePlans(planOf(now), planOf(old))
      assert.ok(back.some(({ change }) => change === 'narrowed' || change === 'disappeared'))
    })
})

const SAME: readonly (readonly [what: string, old: object, now: object])[] = [
  ['rules in another order', net('a.test.test', 'b.test.test'), net('b.test.test', 'a.test.test')],
  [
    'a rule split by ports',
    net({ host: 'a.test.test', ports: [443, 8443] }),
    net('a.test.test', 'a.test.test:8443'),
  ],
  [
    'a rule split by methods',
    net({ ...HTTP, methods: ['GET', 'POST'] }),
    net({ ...HTTP, methods: ['GET'] }, { ...HTTP, methods: ['POST'] }),
  ],
  [
    'a private block in two halves',
    net({ host: 'a.test.test', private: ['10.0.0.0/8'] }),
    net({ host: 'a.test.test', private: ['10.0.0.0/9', '10.128.0.0/9'] }),
  ],
  ['a name that a wildcard has already', net('*.x.test'), net('*.x.test', 'a.x.test')],
  ['another spelling', net('API.Test.'), net({ host: 'api.test', ports: [443] })],
  ['a grant in one that is there, in its place', read('/srv/a'), read('/srv/a')],
]

describe('an edit that changes nothing says nothing', () => {
  for (const [what, old, now] of LESS)
    test(`${what} widens nothing`, () => {
      assert.equal(widens(comparePlans(planOf(old), planOf(now))), false, compare(old, now).join())
    })
  for (const [what, old, now] of SAME) test(what, () => assert.deepEqual(compare(old, now), []))
})

describe('an edit that narrows counts as no widening', () => {
  const narrower: readonly (readonly [string, object, object])[] = [
    ['a folder in the granted one', read('/srv/a'), read('/srv/a/b')],
    ['live that becomes collected', write({ path: '/o', inside: '/out', live: true }), write('/o:/out')],
    ['a lock offered', {}, { syscalls: { lock: 'sealed' } }],
    ['a path of a pattern', net({ ...HTTP, paths: ['/a/**'] }), net({ ...HTTP, paths: ['/a/b/*'] })],
    ['one of two public ports', { network: { public: {} } }, { network: { public: { ports: [443] } } }],
    ['a named host for any', { network: { public: {} } }, net('a.example.com')],
    [
      'a split whose bounds add up to the old one',
      net({ host: 'a.test.test', ports: [443, 8443], maxUpload: '2KiB' }),
      net(
        { host: 'a.test.test', maxUpload: '1KiB' },
        { host: 'a.test.test', ports: [8443], maxUpload: '1KiB' },
      ),
    ],
  ]
  for (const [what, old, now] of narrower)
    test(what, () => {
      const differences = comparePlans(planOf(old), planOf(now))
      assert.equal(widens(differences), false, JSON.stringify(differences, null, 1))
      assert.ok(widens(comparePlans(planOf(now), planOf(old))), 'the way back is wider')
    })
})

describe('what can not be decided is said to be changed, both ways, and counts as wider', () => {
  const undecided: readonly (readonly [string, object, object])[] = [
    ['another work directory', {}, { workdir: '/work' }],
    ['another value of a variable', { env: { A: '1' } }, { env: { A: '2' } }],
    ['a grant in another place', read('/srv/a:/in/a'), read('/srv/a:/job/.config')],
    ['a part of a grant, in another place', read('/srv/a'), read('/srv/a/b:/in/b')],
  ]
  for (const [what, old, now] of undecided)
    test(what, () => {
      for (const [a, b] of [
        [old, now],
        [now, old],
      ] as const) {
        const differences = comparePlans(planOf(a), planOf(b))
        assert.ok(
          differences.some(({ change }) => change === 'changed'),
          JSON.stringify(differences),
        )
        assert.ok(widens(differences))
      }
    })
  test('never shows the value of a variable', () => {
    const text = JSON.stringify(
      comparePlans(planOf({ env: { A: 'hush1' } }), planOf({ env: { A: 'hush2', B: 'hush3' } })),
    )
    assert.doesNotMatch(text, /hush/)
  })
  test('a single private address may be the host’s own, which a block round it is not', () => {
    const differences = comparePlans(
      planOf(net({ host: 'a.test.test', private: ['10.0.0.0/8'] })),
      planOf(net({ host: 'a.test.test', private: ['10.0.0.5/32'] })),
    )
    assert.deepEqual(differences.map(brief), ['widened network.allow[0]', 'narrowed network.allow[0]'])
  })
})

test('another root is told in words', () => {
  const at = (path: string) => planOf({ root: `dir:${path}` })
  for (const [old, now, before, after] of [
    [planOf({}), at('/srv/a'), "the host's programs and libraries", 'the folder /srv/a'],
    [at('/srv/a'), at('/srv/b'), 'the folder /srv/a', 'the folder /srv/b'],
  ] as const) {
    const [changed] = comparePlans(old, now).filter(({ subject }) => subject === 'root')
    assert.deepEqual([changed?.change, changed?.before, changed?.after], ['changed', before, after])
  }
})

test('a wall that one plan has and the other has not is a claim that no longer holds', () => {
  const old = planOf({}, 'root with cgroup v1')
  const claims = old.claims.map((claim) =>
    claim.id === 'files.second-wall'
      ? { ...claim, status: 'notApplicable' as const, by: [], absence: 'This kernel runs without it.' }
      : claim,
  )
  assert.deepEqual(comparePlans(old, { ...old, claims }).map(brief), ['widened files.second-wall'])
  assert.deepEqual(comparePlans({ ...old, claims }, old).map(brief), ['narrowed files.second-wall'])
})

test('a credential from elsewhere, or used otherwise, is another: which is more can not be said', () => {
  for (const other of [{ source: { env: 'X' } }, { use: 'placeholder' }]) {
    assert.deepEqual(compare(used(), used(other)), ['changed credentials.T'])
    assert.deepEqual(compare(used(other), used()), ['changed credentials.T'])
    assert.ok(widens(comparePlans(planOf(used()), planOf(used(other)))))
  }
})
