import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type PolicyFlags,
  parsePolicy,
  patternText,
  policyFromFlags,
  policySha256,
} from '../../src/policy/index.js'
import { folder, NO_CEILING, refusal } from './harness.js'

const from = (flags: PolicyFlags, cwd = '/', callerEnv: Record<string, string> = {}) =>
  policyFromFlags(flags, { cwd, callerEnv, ceiling: NO_CEILING })
const refused = (flags: PolicyFlags) => refusal(() => from(flags)).message

test('no flags at all mean {version: 1}', () => {
  const plain = policySha256(parsePolicy({ version: 1 }, { ceiling: NO_CEILING }))
  assert.equal(policySha256(from({})), plain)
  assert.equal(
    policySha256(from({ read: [], write: [], env: [], waive: [], secret: [], allowPublic: false })),
    plain,
  )
})

test('a flag with one value replaces the file; a repeatable one adds to it', (t) => {
  const dir = folder(t, {
    'conf/p.yaml': `
version: 1
env: {A: "1", B: "2"}
files: {read: ["../in:/in"]}
lifetime: {deadline: 1m}
limits: {memory: 1GiB, cpus: 2}
waive: [limits.cpus]`,
    'in/': '',
    'in2/': '',
    'out/': '',
  })
  const policy = from(
    {
      policy: 'conf/p.yaml',
      boundary: 'runc',
      root: 'host',
      read: ['in2:/in2'],
      write: ['out:/out'],
      env: ['B=3=3', 'HOME', 'E='],
      workdir: '/in',
      deadline: '10s',
      noOutput: '5s',
      memory: '512MiB',
      cpus: '0.5',
      processes: '32',
      maxOutput: '1MiB',
      openFiles: '64',
      scratch: '1MiB',
      waive: ['limits.processes'],
    },
    dir,
    { HOME: '/home/u', SECRET: 'x' },
  )
  assert.equal(policy.boundary, 'runc')
  assert.equal(policy.workdir, '/in')
  assert.deepEqual(policy.env, { A: '1', B: '3=3', E: '', HOME: '/home/u' })
  assert.deepEqual(policy.files, {
    read: [
      { host: `${dir}/in`, inside: '/in' },
      { host: `${dir}/in2`, inside: '/in2' },
    ],
    write: [{ host: `${dir}/out`, inside: '/out', live: false }],
  })
  assert.deepEqual(policy.lifetime, { deadlineMs: 10_000, noOutputMs: 5_000, reuse: null })
  const MiB = 1024 ** 2
  assert.deepEqual(policy.limits, {
    memoryBytes: 512 * MiB,
    cpus: 0.5,
    processes: 32,
    openFiles: 64,
    outputBytes: MiB,
    scratchBytes: MiB,
  })
  assert.deepEqual(policy.waive, ['limits.cpus', 'limits.processes'])
})

test('a wrong value in a file is no problem once a flag replaces it', (t) => {
  const dir = folder(t, { 'p.yaml': 'version: 1\nlimits: {memory: 256MB}' })
  assert.equal(from({ policy: './p.yaml', memory: '5MiB' }, dir).limits.memoryBytes, 5 * 1024 ** 2)
})

test('a problem in a flag names the flag, one in the file the line; the file comes first', (t) => {
  const dir = folder(t, { 'p.yaml': 'version: 1\nlimits: {processes: 0}' })
  const { message } = refusal(() =>
    from({ policy: './p.yaml', memory: '256MB', cpus: 'many', waive: ['limits.cpu'] }, dir),
  )
  assert.equal(
    message,
    [
      './p.yaml:2:21: limits.processes: 0 is not a whole number in range. Write a whole number from 1 to 4194304.',
      '--memory: limits.memory: "256MB" is not a size. Write a whole number and B, KiB, MiB or GiB, e.g. 256MiB.',
      '--cpus: limits.cpus: "many" is not a number in range. Write a number from 0.01 to 1024.',
      '--waive: waive[0]: "limits.cpu" is not a control that can be waived. Did you mean limits.cpus? Write limits.memory, limits.cpus, limits.processes or isolation.known-escapes.',
    ].join('\n'),
  )
})

test('a variable that is not set can not be copied; one on a prototype neither', () => {
  const expected = (name: string) =>
    `--env: env.${name}: "${name}" is not set here, so it can't be copied. Set it, or write --env NAME=VALUE.`
  assert.equal(refused({ env: ['NOPE'] }), expected('NOPE'))
  assert.match(refused({ env: ['toString'] }), /is not set here/)
  assert.match(refused({ env: ['__proto__=x'] }), /"__proto__" is not allowed/)
  assert.match(refused({ env: ['=x'] }), /"" is not the name of a variable\./)
  assert.match(refused({ env: ['A B=x'] }), /"A B" is not the name of a variable\./)
})

test('--secret is a credential of this process, swapped where the job writes its placeholder; it opens no host', () => {
  const [token] = from({ secret: ['T@a.test,b.test'], allowHost: ['a.test', 'b.test'] }).credentials
  assert.deepEqual(
    [token?.name, token?.source, token?.hosts.map(({ name }) => name), token?.use],
    ['T', { kind: 'env', variable: 'T' }, ['a.test', 'b.test'], { kind: 'placeholder', in: ['headers'] }],
  )
  assert.match(
    refused({ secret: ['T@a.test:8443'], allowHost: ['a.test:8443'] }),
    /is spoken to as tcp there, and a credential goes over TLS only\. Write protocol: tls/,
  )
  assert.equal(
    refused({ secret: ['T@a.test'] }),
    '--secret: credentials.T.hosts: "a.test" is allowed by no rule of the network. Write - a.test under network.allow, or --allow-host a.test.',
  )
  assert.match(
    refused({ secret: ['T'] }),
    /"T" does not say which variable goes to which host\. Write --secret NAME@HOST\./,
  )
})

test('--allow-host adds a rule, --allow-public opens public hosts where the file does not', (t) => {
  const dir = folder(t, {
    'a.yaml': 'version: 1\nnetwork: {allow: [a.test], public: {ports: [443]}}',
    'b.yaml': 'version: 1',
  })
  const hosts = (flags: PolicyFlags) => {
    const { network } = from(flags, dir)
    return network?.allow.map(({ host, ports }) => [patternText(host), ...ports.map(({ port }) => port)])
  }
  const allowHost = ['B.test', '*.c.test:8443', '[2001:DB8::7]:80']
  const added = [
    ['b.test', 443],
    ['*.c.test', 8443],
    ['2001:db8::7', 80],
  ]
  assert.deepEqual(hosts({ policy: './a.yaml', allowHost }), [['a.test', 443], ...added])
  assert.deepEqual(hosts({ policy: './b.yaml', allowHost }), added)
  assert.deepEqual(hosts({ allowHost }), added)
  assert.deepEqual(from({ policy: './a.yaml', allowPublic: true }, dir).network?.public?.ports, [443])
  assert.deepEqual(from({ allowPublic: true }).network?.public?.ports, [80, 443])
  assert.equal(from({ allowPublic: false, allowHost: [] }).network, null)
})

test('what is wrong with --allow-host is said of the flag', () => {
  assert.equal(
    refused({ allowHost: ['a.test', 'https://b.test'] }),
    '--allow-host: network.allow[1]: "https://b.test" is more than a host. Write the name alone.',
  )
  assert.match(
    refused({ allowHost: ['*.github.io'] }),
    /^--allow-host: network\.allow\[0\]: "\*\.github\.io" covers github\.io/,
  )
  assert.match(refused({ allowHost: ['a.test', 'A.test:443'] }), /is what network\.allow\[0\] allows already/)
  assert.match(refused({ allowHost: ['10.0.0.1'] }), /is a private address/)
})

test('a flag for a network over a profile without sockets is refused', (t) => {
  const dir = folder(t, { 'p.yaml': 'version: 1\nsyscalls: {profile: compute}' })
  const message = (flags: PolicyFlags) => refusal(() => from({ policy: './p.yaml', ...flags }, dir)).message
  assert.match(message({ allowHost: ['a.test'] }), /^--allow-host: network: needs sockets/)
  assert.match(message({ allowPublic: true }), /^--allow-public: network: needs sockets/)
})

test('flags over a file of the wrong shape report the file', (t) => {
  const dir = folder(t, { 'a.yaml': '[]', 'b.yaml': 'version: 1\nlimits: 3\nwaive: 4\nenv: []' })
  const flags = { memory: '5MiB', waive: ['limits.cpus'], env: ['A=b'] }
  assert.match(
    refusal(() => from({ policy: './a.yaml', ...flags }, dir)).message,
    /^\.\/a\.yaml:1:1: the policy is a list/,
  )
  const { problems } = refusal(() => from({ policy: './b.yaml', ...flags }, dir))
  assert.deepEqual(
    problems.map(({ path }) => path),
    ['limits', 'waive', 'env'],
  )
})
