/** The section `network`: what is read, and what is refused because it would promise more, or open more, than its writer means. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HostRule, policyDocument, policySha256, wildcardCovers } from '../../src/policy/index.js'
import { message, parse, refusal } from './harness.js'

const NONE = { maxUploadBytes: null, maxDownloadBytes: null, maxConnections: null, maxRate: null }
const [KiB, MiB, GiB] = [1024, 1024 ** 2, 1024 ** 3]

const network = (section: object) => {
  const { network } = parse({ version: 1, network: section })
  assert.ok(network !== null)
  return network
}
const rule = (entry: unknown): HostRule => {
  const [first] = network({ allow: [entry] }).allow
  assert.ok(first !== undefined)
  return first
}
const refused = (entry: unknown) =>
  message({ version: 1, network: { allow: [entry] } }).replace('policy.yaml: ', '')

test('an absent section is no network at all; an empty one is a network in which nothing is allowed', () => {
  assert.equal(parse({ version: 1 }).network, null)
  assert.deepEqual(network({}), {
    allow: [],
    public: null,
    loopback: false,
    budget: { maxUploadBytes: 64 * MiB, maxDownloadBytes: GiB, maxConnections: 128, maxRate: 100 },
    timeouts: { connectMs: 10_000, headMs: 10_000, idleMs: 60_000 },
  })
  assert.match(message('version: 1\nnetwork:'), /^policy\.yaml:2:9: network: null is not a map\./)
})

test('a host alone is TLS on 443', () => {
  const expected = {
    host: { kind: 'name', name: 'api.example.test' },
    ports: [{ port: 443, protocol: 'tls' }],
    inspect: false,
    methods: null,
    paths: null,
    upgrade: false,
    private: [],
    budget: NONE,
  }
  assert.deepEqual(rule('api.example.test'), expected)
  assert.deepEqual(rule('API.Example.test.:443'), expected)
  assert.deepEqual(rule({ host: 'api.example.test', inspect: false }), expected)
})

test('every key of a rule is read into its canonical form', () => {
  assert.deepEqual(
    rule({
      host: '*.CDN.Example.test',
      ports: [8080, 80, 80],
      protocol: 'http',
      methods: ['HEAD', 'GET', 'GET'],
      paths: ['/b/**', '/a/*.js'],
      upgrade: true,
      private: ['192.168.7.0/24', '10.2.0.1'],
      maxUpload: '64KiB',
      maxDownload: '20MiB',
      maxConnections: 4,
      maxRate: 2,
    }),
    {
      host: { kind: 'below', name: 'cdn.example.test' },
      ports: [
        { port: 80, protocol: 'http' },
        { port: 8080, protocol: 'http' },
      ],
      inspect: false,
      methods: ['GET', 'HEAD'],
      paths: ['/a/*.js', '/b/**'],
      upgrade: true,
      private: ['10.2.0.1/32', '192.168.7.0/24'],
      budget: { maxUploadBytes: 64 * KiB, maxDownloadBytes: 20 * MiB, maxConnections: 4, maxRate: 2 },
    },
  )
})

test('with inspect, methods, paths and upgrades bind inside TLS too', () => {
  const written = {
    host: 'a.test',
    ports: [80, 443],
    inspect: true,
    methods: ['GET'],
    paths: ['/x'],
    upgrade: true,
  }
  const { inspect, ports, methods } = rule(written)
  assert.deepEqual([inspect, methods, ports.length], [true, ['GET'], 2])
  assert.equal(rule({ host: 'a.test', ports: [8443], protocol: 'tls', inspect: true }).inspect, true)
  const { public: any } = network({ public: { ports: [443], inspect: true, methods: ['GET'] } })
  assert.deepEqual([any?.inspect, any?.methods], [true, ['GET']])
})

test('a port says what is spoken on it, unless the rule does', () => {
  const spoken = (entry: object) =>
    rule({ host: 'a.test', ...entry }).ports.map(({ port, protocol }) => `${port} ${protocol}`)
  assert.deepEqual(spoken({ ports: [5432, 443, 80] }), ['80 http', '443 tls', '5432 tcp'])
  assert.deepEqual(spoken({ ports: [443, 8443], protocol: 'tls' }), ['443 tls', '8443 tls'])
  assert.deepEqual(spoken({ protocol: 'tcp' }), ['443 tcp'])
})

test('public hosts, the loopback, the bounds and the timeouts are read', () => {
  const read = network({
    public: { ports: [443, 80, 443], methods: ['GET'], maxDownload: '10MiB' },
    loopback: true,
    maxUpload: '1MiB',
    maxDownload: '2GiB',
    maxConnections: 7,
    maxRate: 8,
    timeouts: { connect: '1s', head: '2s', idle: '3s' },
  })
  assert.deepEqual(read, {
    allow: [],
    public: {
      ports: [80, 443],
      inspect: false,
      methods: ['GET'],
      budget: { ...NONE, maxDownloadBytes: 10 * MiB },
    },
    loopback: true,
    budget: { maxUploadBytes: MiB, maxDownloadBytes: 2 * GiB, maxConnections: 7, maxRate: 8 },
    timeouts: { connectMs: 1000, headMs: 2000, idleMs: 3000 },
  })
  assert.deepEqual(network({ public: {} }).public, {
    ports: [80, 443],
    inspect: false,
    methods: null,
    budget: NONE,
  })
})

test('the rules stand in the order of the file, and the hash covers them', () => {
  const policy = parse({ version: 1, network: { allow: ['b.test', 'a.test'] } })
  assert.deepEqual(
    policy.network?.allow.map(({ host }) => host),
    [
      { kind: 'name', name: 'b.test' },
      { kind: 'name', name: 'a.test' },
    ],
  )
  const hash = (section: object) => policySha256(parse({ version: 1, network: section }))
  assert.equal(
    hash({ allow: ['A.test.'] }),
    hash({ allow: [{ host: 'a.test', ports: [443] }], loopback: false }),
  )
  assert.notEqual(hash({ allow: ['a.test'] }), hash({ allow: ['b.test'] }))
  assert.notEqual(hash({}), policySha256(parse({ version: 1 })))
})

test('a policy with a network, written out and parsed again, is the same policy', () => {
  const policy = parse({
    version: 1,
    network: {
      allow: [
        '*.example.test',
        { host: 'db.test', ports: [5432], private: ['10.0.0.0/8'] },
        { host: 'h.test', ports: [80, 8080], protocol: 'http', methods: ['GET'], paths: ['/**'], maxRate: 1 },
        { host: '2001:db8::7', ports: [443, 80, 9] },
        { host: 'fd00::1', private: ['fd00::/8'] },
      ],
      public: { methods: ['GET'] },
      timeouts: { idle: '90s' },
    },
  })
  assert.deepEqual(parse(policyDocument(policy)), policy)
})

// each of these would let a job talk to whoever registers a name
const OPEN: readonly (readonly [wildcard: string, refusal: RegExp])[] = [
  ['*', /is every host\. Write the hosts that the job needs, or public: \{\}\.$/],
  ['*.', /is empty/],
  ['*.com', /covers com, below which anyone may have a name/],
  ['*.co.uk', /covers co\.uk, below which anyone may have a name/],
  ['*.github.io', /Write the whole name of the host, or \*\.NAME\.github\.io\.$/],
  ['*.GitHub.IO.', /covers github\.io/],
  ['*.s3.amazonaws.com', /anyone may have a name/],
  ['*.foo.ck', /anyone may have a name/],
  ['*.test', /covers test, below/],
  ['*.internal', /covers internal, below/],
  ['*.xn--55qx5d.cn', /anyone may have a name/],
  ['*.\u516c\u53f8.cn', /anyone may have a name/],
  ['*.*.example.test', /elsewhere than in front/],
  ['api.*.test', /elsewhere than in front/],
  ['api-*.example.test', /elsewhere than in front/],
  ['*api.example.test', /elsewhere than in front/],
  ['**.example.test', /elsewhere than in front/],
  ['*.10.0.0.1', /wildcard on an address/],
  ['*.localhost', /own loopback/],
]

for (const [wildcard, refusal] of OPEN)
  test(`the wildcard ${wildcard} is refused`, () => {
    assert.match(refused(wildcard), refusal)
    assert.match(refused({ host: wildcard }), refusal)
  })

for (const wildcard of [
  '*.example.test',
  '*.cdn.example.co.uk',
  '*.octocat.github.io',
  '*.www.ck',
  '*.corp.internal',
])
  test(`the wildcard ${wildcard} is fine`, () => assert.equal(rule(wildcard).host.kind, 'below'))

test('a wildcard covers one or more labels, never the apex, never a name that only ends alike', () => {
  const covers = (name: string) => wildcardCovers('example.test', name)
  assert.ok(covers('a.example.test'))
  assert.ok(covers('a.b.example.test'))
  for (const name of [
    'example.test',
    'evil-example.test',
    'a.example.test.evil.test',
    'xexample.test',
    'test',
    '',
  ])
    assert.ok(!covers(name), name)
})

// *.amazonaws.com is meant for Amazon's own services; anybody may have a bucket below it
test('a wildcard does not reach below a public suffix that lies under it', () => {
  assert.ok(wildcardCovers('amazonaws.com', 'sts.amazonaws.com'))
  assert.ok(!wildcardCovers('amazonaws.com', 'evil.s3.amazonaws.com'))
  assert.ok(!wildcardCovers('amazonaws.com', 's3.amazonaws.com'))
  assert.ok(wildcardCovers('evil.s3.amazonaws.com', 'a.evil.s3.amazonaws.com'))
})

const REFUSED: readonly (readonly [what: string, entry: unknown, refusal: string])[] = [
  [
    'a URL',
    'https://a.test',
    'network.allow[0]: "https://a.test" is more than a host. Write the name alone.',
  ],
  [
    'an odd address',
    '0x7f.1',
    'network.allow[0]: "0x7f.1" is an odd spelling of an IPv4 address. Write 127.0.0.1.',
  ],
  [
    'an IPv6 address without brackets in the short form',
    '2001:db8::7',
    'network.allow[0]: "2001:db8::7" has more than one colon and no brackets. Write an IPv6 address as [2001:db8::7].',
  ],
  [
    'a port in the long form',
    { host: 'a.test:8080' },
    'network.allow[0].host: "a.test:8080" has a port. Write the port as ports: [8080].',
  ],
  [
    'a port out of range',
    'a.test:65536',
    'network.allow[0]: "a.test:65536" has no port behind its colon. Write a port from 1 to 65535.',
  ],
  [
    'no port',
    { host: 'a.test', ports: [] },
    'network.allow[0].ports: a list without a port: such a rule allows nothing. Write ports such as [443], or remove the key.',
  ],
  [
    'a port in quotes',
    { host: 'a.test', ports: ['443'] },
    'network.allow[0].ports[0]: "443" is not a port. Write a number from 1 to 65535.',
  ],
  [
    'port 0',
    { host: 'a.test', ports: [0] },
    'network.allow[0].ports[0]: 0 is not a port. Write a number from 1 to 65535.',
  ],
  [
    'a misspelt protocol',
    { host: 'a.test', protocol: 'htpp' },
    'network.allow[0].protocol: "htpp" is not a protocol. Did you mean http? Write tls, http or tcp.',
  ],
  [
    'a misspelt key',
    { host: 'a.test', port: [80] },
    'network.allow[0].port: there is no key "port" here. Did you mean `ports`?',
  ],
  ['no host', { ports: [80] }, 'network.allow[0].host: is missing. Write a name such as api.example.com.'],
  [
    'a number',
    443,
    'network.allow[0]: 443 is not a rule. Write HOST, HOST:PORT or {host: HOST, ports: [443]}.',
  ],
  [
    'inspection of what is clear',
    { host: 'a.test', ports: [80], inspect: true },
    'network.allow[0].inspect: looks into TLS, and port 80 speaks http here. Write protocol: tls, or remove the key.',
  ],
  [
    'inspection of bytes',
    { host: 'a.test', ports: [443, 5432], inspect: true },
    'network.allow[0].inspect: looks into TLS, and port 5432 speaks tcp here. Write protocol: tls, or remove the key.',
  ],
  [
    'methods on TLS',
    { host: 'a.test', methods: ['GET'] },
    'network.allow[0].methods: methods on TLS (port 443) need inspect: true. Write it, or ports: [80] for clear HTTP, or remove methods.',
  ],
  [
    'paths on TLS among others',
    { host: 'a.test', ports: [80, 443], paths: ['/x'] },
    'network.allow[0].paths: paths on TLS (port 443) need inspect: true. Write it, or ports: [80] for clear HTTP, or remove paths.',
  ],
  [
    'methods on TCP',
    { host: 'a.test', ports: [8080], methods: ['GET'] },
    'network.allow[0].methods: methods bind on HTTP, and port 8080 speaks tcp here. Write protocol: http, or remove methods.',
  ],
  [
    'an upgrade on TLS',
    { host: 'a.test', upgrade: true },
    'network.allow[0].upgrade: binds on HTTP that is read, and TLS passes unread here. Write inspect: true, or remove the key.',
  ],
  [
    'a method in small letters',
    { host: 'a.test', ports: [80], methods: ['get'] },
    'network.allow[0].methods[0]: "get" is not a method that is passed on. Write methods such as GET, in capitals; CONNECT never is one.',
  ],
  [
    'CONNECT',
    { host: 'a.test', ports: [80], methods: ['CONNECT'] },
    'network.allow[0].methods[0]: "CONNECT" is not a method that is passed on. Write methods such as GET, in capitals; CONNECT never is one.',
  ],
  [
    'no method',
    { host: 'a.test', ports: [80], methods: [] },
    'network.allow[0].methods: a list without a method: such a rule allows nothing. Write methods such as [GET, HEAD], or remove the key.',
  ],
  [
    'a private address',
    '10.2.0.5:80',
    'network.allow[0]: "10.2.0.5" is a private address. Write {host: 10.2.0.5, private: [10.2.0.5]} to open it.',
  ],
  [
    'a private address outside its blocks',
    { host: '10.2.0.5', private: ['10.3.0.0/16'] },
    'network.allow[0]: "10.2.0.5" is a private address. Write {host: 10.2.0.5, private: [10.2.0.5]} to open it.',
  ],
  [
    'a metadata service',
    { host: '169.254.169.254', ports: [80], private: ['169.254.0.0/16'] },
    'network.allow[0]: "169.254.169.254" is a metadata service, which no rule opens. Remove it.',
  ],
  [
    'localhost',
    'LocalHost.:8080',
    'network.allow[0]: "LocalHost.:8080" is the job\'s own loopback. Write loopback: true for the job\'s own servers.',
  ],
  [
    'a rule above the whole sandbox',
    { host: 'a.test', maxUpload: '65MiB' },
    'network.allow[0].maxUpload: 65MiB is more than the 64MiB of the whole sandbox. Write 64MiB or less, or network.maxUpload: 65MiB.',
  ],
]

for (const [what, entry, refusal] of REFUSED)
  test(`${what} is refused, with what to write`, () => assert.equal(refused(entry), refusal))

const BLOCKS: readonly (readonly [block: string, refusal: RegExp])[] = [
  ['10.2.3.4/16', /Write 10\.2\.0\.0\/16\./],
  ['::ffff:10.0.0.0/104', /Write 10\.0\.0\.0\/8\./],
  ['0.0.0.0/0', /more than private addresses/],
  ['10.0.0.0/7', /more than private addresses/],
  ['::/0', /more than private addresses/],
  ['203.0.0.0/8', /public addresses, which need no such block/],
  ['2a00::/16', /public addresses/],
  ['169.254.169.254', /metadata service, which no rule opens/],
  ['168.63.129.16/32', /metadata service/],
  ['fd00:ec2::254', /metadata service/],
  ['224.0.0.0/4', /no rule opens it/],
  ['255.255.255.255', /no rule opens it/],
  ['0.0.0.0', /no rule opens it/],
  ['ff02::/16', /no rule opens it/],
  ['::', /no rule opens it/],
  ['64:ff9b::/96', /no rule opens it/],
  ['2002:a00::/24', /no rule opens it/],
  ['fe80::%eth0/64', /not a block of addresses/],
  ['db.corp.test', /is a name, not a block/],
]

for (const [block, refusal] of BLOCKS)
  test(`private: ${block} is refused`, () =>
    assert.match(refused({ host: 'a.test', private: [block] }), refusal))

test('private blocks of every kind, and one address of this host itself, are fine', () => {
  const blocks = [
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.1.0/24',
    '100.64.0.0/10',
    '169.254.0.0/16',
    '127.0.0.1',
  ]
  const more = ['198.18.0.0/15', 'fc00::/7', 'fe80::/10', '::1', '203.0.113.9', '2001:db8::9']
  assert.equal(rule({ host: 'a.test', private: [...blocks, ...more] }).private.length, 12)
  assert.deepEqual(rule({ host: '127.0.0.1', ports: [80], private: ['127.0.0.1'] }).private, ['127.0.0.1/32'])
})

const PATHS: readonly (readonly [path: string, refusal: RegExp])[] = [
  ['', /not an absolute path/],
  ['repos', /not an absolute path/],
  ['/a?b', /query or fragment/],
  ['/a#b', /query or fragment/],
  ['/a b', /paths escape/],
  ['/\u00e9', /paths escape/],
  ['/a\\b', /paths escape/],
  ['/a%2g', /paths escape/],
  ['/a%2f', /paths escape/],
  ['/a%2Fb', /needs no escape/],
  ['/%2E%2E/b', /needs no escape/],
  ['/a%00', /no path holds/],
  ['/a%5Cb', /needs no escape/],
  ['/%61', /needs no escape/],
  ['/a/../b', /dot segment/],
  ['/./a', /dot segment/],
  ['//a', /"\/\/"/],
  ['/a**', /"\*\*" in a segment/],
  ['/a***/b', /"\*\*" in a segment/],
  [`/${'*/'.repeat(17)}`, /more than 16 stars/],
  [`/${'a'.repeat(1024)}`, /longer than 1024/],
]

for (const [path, refusal] of PATHS)
  test(`the path ${JSON.stringify(path.slice(0, 20))} is refused`, () =>
    assert.match(refused({ host: 'a.test', ports: [80], paths: [path] }), refusal))

test('paths with stars, escapes and a slash at the end are fine', () => {
  const paths = ['/', '/**', '/a/*/b', '/a/**/b', '/*.js', '/a/', '/a%20b', '/@scope/~user;v=1']
  assert.equal(rule({ host: 'a.test', ports: [80], paths }).paths?.length, paths.length)
})

test('one rule said twice is refused, and both places are named', () => {
  const source = `
version: 1
network:
  allow:
    - a.test
    - {host: A.test., maxUpload: 1KiB}`
  assert.equal(
    message(source),
    'policy.yaml:6:7: network.allow[1]: "a.test" on port 443 is what network.allow[0] (line 5) allows already. Keep one, or give them different methods or paths.',
  )
  const http = { host: 'a.test', ports: [80] }
  network({
    allow: [
      { ...http, methods: ['GET'] },
      { ...http, methods: ['POST'], paths: ['/upload'] },
    ],
  })
  network({ allow: ['a.test', 'a.test:80', 'b.test', '*.a.test'] })
})

test('one port spoken two ways is refused, through a wildcard too', () => {
  const twice = (allow: unknown[]) => message({ version: 1, network: { allow } })
  assert.match(
    twice(['a.test', { host: 'a.test', protocol: 'tcp' }]),
    /"a\.test" speaks tcp on port 443, where network\.allow\[0\] speaks tls\. Write the same protocol in both\.$/,
  )
  assert.match(twice(['*.a.test', { host: 'x.y.a.test', protocol: 'tcp' }]), /speaks tcp on port 443/)
  assert.match(twice([{ host: 'x.a.test', protocol: 'tcp' }, '*.a.test']), /speaks tls on port 443/)
  network({ allow: ['*.a.test', { host: 'a.test', protocol: 'tcp' }] })
  assert.match(
    twice(['*.a.test', { host: 'x.a.test', inspect: true }]),
    /TLS of "x\.a\.test" on port 443 is looked into, where network\.allow\[0\] has it passed on unread\. Write the same inspect in both\.$/,
  )
  network({
    allow: [
      { host: '*.a.test', ports: [80] },
      { host: 'x.a.test', inspect: true },
    ],
  })
})

test('a network without sockets is refused', () => {
  const what =
    /network: needs sockets, and syscalls\.profile: compute has none of any kind\. Remove the section, or/
  assert.match(message('version: 1\nnetwork: {}\nsyscalls: {profile: compute}'), what)
  parse({ version: 1, network: {}, syscalls: { deny: ['socket'] } })
})

test("an address can't be the host's and the job's own", () => {
  const allow = [{ host: '127.0.0.1', ports: [80], private: ['127.0.0.0/8'] }]
  assert.match(
    message({ version: 1, network: { allow, loopback: true } }),
    /127\.0\.0\.1 is the job's own with loopback: true\. Remove the rule, or loopback\.$/,
  )
})

test('what is wrong with public hosts is refused', () => {
  const wrong = (section: unknown) => message({ version: 1, network: { public: section } })
  assert.match(wrong(true), /network\.public: true is not a map\. Write one such as \{ports: \[80, 443\]\}/)
  assert.match(wrong({ ports: [] }), /without a port/)
  assert.match(
    wrong({ ports: [443], methods: ['GET'] }),
    /TLS on port 443 passes unread here\. Write inspect: true, add port 80/,
  )
  assert.match(
    wrong({ ports: [80], inspect: true }),
    /inspect: looks into TLS, and port 80 speaks clear HTTP/,
  )
  assert.match(wrong({ private: ['10.0.0.0/8'] }), /there is no key "private" here/)
  assert.match(wrong({ maxConnections: 129 }), /129 is more than the 128 of the whole sandbox/)
})

test('all problems of all rules are named at once, each with its line', () => {
  const { problems } = refusal(() =>
    parse(
      'version: 1\nnetwork:\n  allow:\n    - "*"\n    - {host: a.test, ports: []}\n    - 1.2.3\n  maxRate: 0',
    ),
  )
  assert.deepEqual(
    problems.map(({ path, line }) => [path, line]),
    [
      ['network.allow[0]', 4],
      ['network.allow[1].ports', 5],
      ['network.allow[2]', 6],
      ['network.maxRate', 7],
    ],
  )
})

test('rules beyond the bound are refused', () => {
  const allow = Array.from({ length: 257 }, (_, i) => `h${i}.test`)
  assert.match(message({ version: 1, network: { allow } }), /a list is too long\. Write at most 256 entries/)
  network({ allow: allow.slice(1) })
})
