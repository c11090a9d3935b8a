import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPolicy, type Policy, parsePolicy, policyDocument, policySha256 } from '../../src/policy/index.js'
import { folder, parse } from './harness.js'

const DEFAULTS = {
  version: 1,
  boundary: 'process',
  root: { kind: 'host' },
  workdir: '/job',
  env: {},
  files: { read: [], write: [] },
  network: null,
  credentials: [],
  lifetime: { deadlineMs: 30_000, noOutputMs: null, reuse: null },
  limits: {
    memoryBytes: 256 * 1024 ** 2,
    cpus: 1,
    processes: 64,
    openFiles: 256,
    outputBytes: 16 * 1024 ** 2,
    scratchBytes: 64 * 1024 ** 2,
  },
  syscalls: { profile: 'default', lock: null, deny: [], allow: [] },
  waive: [],
}

test('{version: 1} alone means what the contract says', () => {
  assert.deepEqual(parse('version: 1'), DEFAULTS)
  assert.deepEqual(parse('{"version": 1}'), DEFAULTS)
  assert.deepEqual(parse({ version: 1 }), DEFAULTS)
})

test('every key that this version enforces is read into its canonical form', (t) => {
  const dir = folder(t, { 'in/': '', 'out/': '', 'a:b/': '' })
  const policy = parse(`
version: 1
boundary: runc
root: host
workdir: /job//sub/./
env: {LANG: C.UTF-8, A: ""}
files:
  read: ["${dir}/in:/in", {path: "${dir}/a:b", inside: /odd}]
  write: ["${dir}/out:/out/"]
lifetime: {deadline: 5m, noOutput: 500ms, reuse: never}
limits: {memory: 1GiB, cpus: 0.5, processes: 0x10, openFiles: 3, output: 0B, scratch: 64KiB}
syscalls: {profile: compute, lock: sealed, deny: [socket, connect, socket], allow: [ptrace]}
waive: [limits.processes, limits.cpus]
`)
  assert.deepEqual(policy, {
    version: 1,
    boundary: 'runc',
    root: { kind: 'host' },
    workdir: '/job/sub',
    env: { A: '', LANG: 'C.UTF-8' },
    files: {
      read: [
        { host: `${dir}/in`, inside: '/in' },
        { host: `${dir}/a:b`, inside: '/odd' },
      ],
      write: [{ host: `${dir}/out`, inside: '/out', live: false }],
    },
    network: null,
    credentials: [],
    lifetime: { deadlineMs: 300_000, noOutputMs: 500, reuse: null },
    limits: {
      memoryBytes: 1024 ** 3,
      cpus: 0.5,
      processes: 16,
      openFiles: 3,
      outputBytes: 0,
      scratchBytes: 65_536,
    },
    syscalls: { profile: 'compute', lock: 'sealed', deny: ['connect', 'socket'], allow: ['ptrace'] },
    waive: ['limits.cpus', 'limits.processes'],
  })
})

test('empty lists and maps mean none', () => {
  const policy = parse(
    'version: 1\nenv: {}\nfiles: {read: [], write: []}\nlifetime: {}\nlimits: {}\nsyscalls: {}\nwaive: []',
  )
  assert.deepEqual(policy, DEFAULTS)
})

test('a policy is frozen to its last list', () => {
  const policy = parse('version: 1\nwaive: [limits.cpus]')
  for (const part of [policy, policy.env, policy.files, policy.files.read, policy.limits, policy.waive])
    assert.ok(Object.isFrozen(part))
})

test('a cast object is no policy, a copy of a policy neither', () => {
  const policy = parse('version: 1')
  assert.ok(isPolicy(policy))
  assert.ok(!isPolicy({ ...policy }))
  assert.ok(!isPolicy(DEFAULTS as unknown as Policy))
  assert.ok(!isPolicy(null))
  assert.equal(parsePolicy(policy), policy)
})

test('equal policies have equal hashes, whatever their spelling; others differ', () => {
  const plain = policySha256(parse('version: 1'))
  assert.match(plain, /^[0-9a-f]{64}$/)
  assert.equal(policySha256(parse('{"limits": {"memory": "262144KiB"}, "version": 1}')), plain)
  assert.equal(policySha256(parse('lifetime: {deadline: 30000ms}\nversion: 1')), plain)
  assert.notEqual(policySha256(parse('version: 1\nlifetime: {deadline: 31s}')), plain)
})

test('a policy written out and parsed again is the same policy', (t) => {
  const dir = folder(t, { 'in:x/': '', 'out/': '', 'live/': '' })
  const policy = parse({
    version: 1,
    env: { B: '1', A: 'x=y\n' },
    files: {
      read: [{ path: `${dir}/in:x`, inside: '/in' }],
      write: [`${dir}/out:/out`, { path: `${dir}/live`, live: true }],
    },
    lifetime: { noOutput: '90s' },
    limits: { memory: '4097KiB' },
  })
  const again = parse(policyDocument(policy))
  assert.deepEqual(again, policy)
  assert.equal(policySha256(again), policySha256(policy))
})
