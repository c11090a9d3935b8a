import assert from 'node:assert/strict'
import { test } from 'node:test'
import { message, parse, refusal } from './harness.js'

/** What is written → what the user reads. */
const MESSAGES: readonly (readonly [promise: string, source: string, expected: string])[] = [
  ['an empty file', '', 'policy.yaml:1:1: the policy is empty. Write version: 1, and what the job may do.'],
  [
    'a list',
    '[]',
    'policy.yaml:1:1: the policy is a list, not a map. Write version: 1, and what the job may do.',
  ],
  ['a missing version', 'boundary: process', 'policy.yaml:1:1: version: is missing. Write version: 1.'],
  [
    'another version',
    'version: 2',
    'policy.yaml:1:10: version: 2 is not a version that this Glovebox knows. Write version: 1.',
  ],
  [
    'a version in quotes',
    'version: "1"',
    'policy.yaml:1:10: version: "1" is not a version that this Glovebox knows. Write version: 1.',
  ],
  [
    'a misspelt key',
    'version: 1\nlifetime:\n  deadlin: 3s',
    'policy.yaml:3:3: lifetime.deadlin: there is no key "deadlin" here. Did you mean `deadline`?',
  ],
  [
    'a key like no other',
    'version: 1\nfiles: {execute: []}',
    'policy.yaml:2:9: files.execute: there is no key "execute" here. The keys here are read, write.',
  ],
  [
    'a misspelt key of a grant',
    'version: 1\nfiles: {read: [{path: /, insid: /x}]}',
    'policy.yaml:2:26: files.read[0].insid: there is no key "insid" here. Did you mean `inside`?',
  ],
  [
    'a grant without a path',
    'version: 1\nfiles: {read: [{inside: /x}]}',
    'policy.yaml:2:16: files.read[0].path: is missing. Write a path on the host such as /srv/in.',
  ],
  [
    'a decimal size',
    'version: 1\nlimits:\n\n  memory:   256MB',
    'policy.yaml:4:13: limits.memory: "256MB" is not a size. Write a whole number and B, KiB, MiB or GiB, e.g. 256MiB.',
  ],
  [
    'a size without unit',
    'version: 1\nlimits: {memory: 268435456}',
    'policy.yaml:2:18: limits.memory: 268435456 is not a size. Write a whole number and B, KiB, MiB or GiB, e.g. 256MiB.',
  ],
  [
    'a size that is too small',
    'version: 1\nlimits: {memory: 1MiB}',
    'policy.yaml:2:18: limits.memory: "1MiB" is out of range. Write 4MiB to 16384GiB.',
  ],
  [
    'a size that overflows',
    'version: 1\nlimits: {memory: 999999999999999GiB}',
    'policy.yaml:2:18: limits.memory: "999999999999999GiB" is not a size. Write a whole number and B, KiB, MiB or GiB, e.g. 256MiB.',
  ],
  [
    'a duration without unit',
    'version: 1\nlifetime: {deadline: 30}',
    'policy.yaml:2:22: lifetime.deadline: 30 is not a duration. Write a whole number and ms, s, m or h, e.g. 30s.',
  ],
  [
    'no time at all',
    'version: 1\nlifetime: {deadline: 0s}',
    'policy.yaml:2:22: lifetime.deadline: "0s" is out of range. Write 1ms to 24h.',
  ],
  [
    'a negative number',
    'version: 1\nlimits: {cpus: -1}',
    'policy.yaml:2:16: limits.cpus: -1 is not a number in range. Write a number from 0.01 to 1024.',
  ],
  [
    'half a process',
    'version: 1\nlimits: {processes: 1.5}',
    'policy.yaml:2:21: limits.processes: 1.5 is not a whole number in range. Write a whole number from 1 to 4194304.',
  ],
  [
    'infinity',
    'version: 1\nlimits: {cpus: .inf}',
    'policy.yaml:2:16: limits.cpus: Infinity is not a number in range. Write a number from 0.01 to 1024.',
  ],
  [
    'no number',
    'version: 1\nlimits: {cpus: .nan}',
    'policy.yaml:2:16: limits.cpus: NaN is not a number in range. Write a number from 0.01 to 1024.',
  ],
  [
    'a number that overflows',
    'version: 1\nlimits: {openFiles: 1e400}',
    'policy.yaml:2:21: limits.openFiles: Infinity is not a whole number in range. Write a whole number from 3 to 1048576.',
  ],
  [
    'a section that is left empty',
    'version: 1\nlimits:\n',
    'policy.yaml:2:8: limits: null is not a map. Write one such as {memory: 256MiB}, or remove the key.',
  ],
  [
    'a misspelt boundary',
    'version: 1\nboundary: gvisr',
    'policy.yaml:2:11: boundary: "gvisr" is not a boundary. Did you mean gvisor? Write process, runc, gvisor, docker, docker+runsc or microvm.',
  ],
  [
    'an unknown waiver',
    'version: 1\nwaive: [limits.output]',
    'policy.yaml:2:9: waive[0]: "limits.output" is not a control that can be waived. Write limits.memory, limits.cpus, limits.processes or isolation.known-escapes.',
  ],
  [
    'a word for a list',
    'version: 1\nwaive: limits.cpus',
    'policy.yaml:2:8: waive: "limits.cpus" is not a list. Write a list such as [a, b], or remove the key.',
  ],
  [
    'a syscall in capitals',
    'version: 1\nsyscalls: {deny: [PTRACE]}',
    'policy.yaml:2:19: syscalls.deny[0]: "PTRACE" is not the name of a syscall. Write names such as ptrace.',
  ],
  [
    'a syscall both allowed and denied',
    'version: 1\nsyscalls: {deny: [ptrace], allow: [ptrace]}',
    'policy.yaml:2:36: syscalls.allow[0]: "ptrace" is both allowed and denied. Keep one.',
  ],
  [
    'a variable with a bad name',
    'version: 1\nenv: {1x: a}',
    'policy.yaml:2:7: env["1x"]: "1x" is not the name of a variable. Use letters, digits and _, and no digit first.',
  ],
  [
    'a variable that is a number',
    'version: 1\nenv: {N: 4}',
    'policy.yaml:2:10: env.N: 4 is not text. Put the value in quotes.',
  ],
  [
    'a variable with NUL',
    'version: 1\nenv: {N: "a\\0b"}',
    'policy.yaml:2:10: env.N: "a\\u{0}b" contains NUL.',
  ],
  [
    'a relative workdir',
    'version: 1\nworkdir: job',
    'policy.yaml:2:10: workdir: "job" is not an absolute path. Write a path inside the sandbox such as /job.',
  ],
  [
    'a workdir among the system folders',
    'version: 1\nworkdir: /usr/bin',
    'policy.yaml:2:10: workdir: "/usr/bin" lies in /usr, which the sandbox\'s root holds read-only. Write one such as /job.',
  ],
  [
    'a workdir that climbs',
    'version: 1\nworkdir: /job/../etc',
    'policy.yaml:2:10: workdir: "/job/../etc" contains "..". Write the path without it.',
  ],
]

for (const [promise, source, expected] of MESSAGES)
  test(`${promise} is refused, with its place and what to write`, () =>
    assert.equal(message(source), expected))

const REUSE: readonly (readonly [source: string, expected: string])[] = [
  [
    'lifetime: {reuse: always}',
    ':2:19: lifetime.reuse: "always" is not a rule of reuse. Write never, or {within: tenant, runs: 100, age: 10m}.',
  ],
  [
    'lifetime: {reuse: {within: host}}',
    ':2:28: lifetime.reuse.within: "host" is not what a sandbox may be used again within. Write tenant.',
  ],
  [
    'lifetime: {reuse: {within: tenant, run: 3}}',
    ':2:36: lifetime.reuse.run: there is no key "run" here. Did you mean `runs`?',
  ],
]

for (const [source, expected] of REUSE)
  test(`${source} is refused, and what may stand there is said`, () =>
    assert.equal(refusal(() => parse(`version: 1\n${source}`)).message, `policy.yaml${expected}`))

test('all problems are named, in document order', () => {
  const error = refusal(() =>
    parse('waive: [x]\nlimits: {cpus: 0, memory: 1}\nversion: 3\nfiles: {read: [/proc]}'),
  )
  assert.deepEqual(
    error.problems.map(({ path, line, column }) => [path, line, column]),
    [
      ['waive[0]', 1, 9],
      ['limits.cpus', 2, 16],
      ['limits.memory', 2, 27],
      ['version', 3, 10],
      ['files.read[0]', 4, 16],
    ],
  )
})

test('a flood of problems is cut, and counted', () => {
  const keys = Array.from({ length: 500 }, (_, i) => `k${i}: 1`).join('\n')
  const { problems, message } = refusal(() => parse(`version: 1\n${keys}`))
  assert.equal(problems.length, 51)
  assert.match(message, /450 more problems are not shown\.$/)
})

// a policy from a stranger (or a path with a strange name) must not write to the terminal of who reads the error
test('terminal escapes, bidi overrides and long values are neutralised in messages', () => {
  const text = message(`version: 1\nboundary: "\\e[2J\\u202e${'x'.repeat(500)}"`)
  assert.ok(text.includes('"\\u{1b}[2J\\u{202e}xxx'), text)
  assert.ok(text.length < 300)
  assert.doesNotMatch(text, /\p{Cc}|\p{Cf}/u)
  const key = message('version: 1\n"\\e[2J\\n": 1')
  assert.doesNotMatch(key, /\p{Cc}/u)
})
