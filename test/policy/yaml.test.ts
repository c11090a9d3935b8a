import assert from 'node:assert/strict'
import { test } from 'node:test'
import { message, parse, refusal } from './harness.js'

const REFUSED: readonly (readonly [promise: string, source: string, expected: string])[] = [
  [
    'a key written twice',
    'version: 1\nversion: 1',
    '2:1: version: this key is written twice, first on line 1. Keep one.',
  ],
  [
    'a key written twice in JSON',
    '{"version": 1,\n "limits": {"cpus": 1, "cpus": 64}}',
    '2:24: limits.cpus: this key is written twice, first on line 2. Keep one.',
  ],
  [
    'a key written twice by its escape',
    '{"version": 1, "limits": {}, "l\\u0069mits": {}}',
    '1:30: limits: this key is written twice, first on line 1. Keep one.',
  ],
  ['an anchor', 'version: &a 1', '1:10: anchors (&) are not allowed in a policy. Write the value out.'],
  [
    'an alias',
    'version: *a',
    '1:10: aliases (*) are not allowed in a policy. Write the value out, or put the text in quotes.',
  ],
  [
    'a tag',
    'version: !!int 1',
    '1:10: tags (!) are not allowed in a policy. Remove the tag, or put the text in quotes.',
  ],
  [
    'a directive',
    '%YAML 1.1\n---\nversion: 1',
    '1:1: directives (%) are not allowed in a policy. Remove this line.',
  ],
  [
    'a second document',
    'version: 1\n---\nversion: 1',
    '2:1: a second document starts here. Write one policy a file.',
  ],
  [
    'a key that is a list',
    'version: 1\n? [a]\n: b',
    '2:3: this key is not text. Write a plain name, or put it in quotes.',
  ],
  [
    'a key that is a number',
    'version: 1\n1: b',
    '2:1: this key is not text. Write a plain name, or put it in quotes.',
  ],
  [
    'a control character',
    'version: 1\nworkdir: "/a\u001bb"',
    '2:13: the character \\u{1b} is not allowed in a policy. Use its escape in double quotes.',
  ],
  ['deep lists', '['.repeat(100), '1:17: the policy is nested too deeply. A policy needs five levels.'],
]

for (const [promise, source, expected] of REFUSED)
  test(`${promise} is refused, with its place`, () =>
    assert.equal(message(source), `policy.yaml:${expected}`))

test('text that is not YAML is refused with its place', () => {
  assert.match(message('version: 1\nlimits: {cpus: 1'), /^policy\.yaml:2:17: this is not YAML: /)
})

test('a merge key is an unknown key', () => {
  assert.match(
    message('version: 1\n<<: {boundary: runc}'),
    /^policy\.yaml:2:1: \["<<"\]: there is no key "<<" here\./,
  )
})

// YAML 1.1 reads `no` as false and `0777` as octal: a reviewer and the parser would disagree
test('words and numbers are those of YAML 1.2', () => {
  assert.equal(message('version: 1\nboundary: no').includes('"no" is not a boundary'), true)
  assert.equal(parse('version: 1\nlimits: {processes: 0100}').limits.processes, 100)
  assert.equal(parse('version: 1\nenv: {A: yes}').env.A, 'yes')
})

test('a byte order mark at the start and comments are fine', () => {
  assert.equal(parse('\ufeff# a policy\nversion: 1 # one\n').version, 1)
})

// the composer recurses; out of stack inside a regular expression, V8 aborts the process: nothing could catch it
test('nesting bombs are refused before anything recursive sees them, in little time', () => {
  const n = 256 * 1024
  const lines = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join('')
  const bombs = [
    '['.repeat(n),
    '{a: '.repeat(n / 4),
    '[[],'.repeat(n / 4),
    '- '.repeat(n / 2),
    '? '.repeat(n / 2),
    'a: '.repeat(n / 3),
    ':'.repeat(n),
    '}'.repeat(n),
    '[]'.repeat(n / 2),
    '"'.repeat(n),
    '\n'.repeat(n),
    lines(700, (i) => `${' '.repeat(i)}a:\n`),
    lines(64, (i) => `${' '.repeat(i)}- - - - - - -\n`),
    lines(20_000, (i) => `k${i}: 1\n`),
    `[${','.repeat(n / 2)}]`,
  ]
  for (const bomb of bombs) {
    const start = performance.now()
    refusal(() => parse(bomb))
    assert.ok(performance.now() - start < 3_000, `took ${performance.now() - start} ms: ${bomb.slice(0, 20)}`)
  }
})

test('a file beyond the bound is refused', () => {
  assert.match(
    message(`version: 1\n# ${'x'.repeat(256 * 1024)}`),
    /the policy has 262157 bytes; the most is 262144\./,
  )
})

test('keys that name the prototype are unknown keys, and change no prototype', () => {
  for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
    assert.match(message(`version: 1\n${key}: {boundary: runc}`), new RegExp(`there is no key "${key}" here`))
  assert.match(message('version: 1\nlimits: {__proto__: {cpus: 64}}'), /there is no key "__proto__" here/)
  assert.match(message('version: 1\nenv: {__proto__: x}'), /"__proto__" is not allowed/)
  assert.match(
    message(JSON.parse('{"version": 1, "__proto__": {"boundary": "runc"}}')),
    /there is no such key/,
  )
  assert.equal(({} as Record<string, unknown>).boundary, undefined)
})

test('an object must be plain data: no getters, classes, cycles or proxies that throw', () => {
  const cycle: Record<string, unknown> = { version: 1 }
  cycle.env = cycle
  let reads = 0
  const getter = {
    get version() {
      return ++reads
    },
  }
  const proxy = new Proxy(
    {},
    {
      ownKeys() {
        throw new Error('no')
      },
    },
  )
  class Fancy {
    version = 1
  }
  for (const value of [cycle, getter, proxy, new Fancy(), new Map([['version', 1]]), [1], () => 1])
    refusal(() => parse(value as object))
  assert.equal(reads, 0)
})

test('what a prototype holds is not in the policy', () => {
  refusal(() => parse(Object.create({ version: 1 })))
})
