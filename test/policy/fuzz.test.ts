import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PolicyError } from '../../src/errors/index.js'
import {
  type HostAnswer,
  isPolicy,
  type Policy,
  type PolicyFlags,
  parsePolicy,
  policyDocument,
  policyFromFlags,
  policySha256,
} from '../../src/policy/index.js'
import { NO_CEILING } from './harness.js'

/** A few seconds in all; `GLOVEBOX_FUZZ_SECONDS` sets how long each property runs instead. */
const seconds = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 0)
const seed = Number(process.env.GLOVEBOX_FUZZ_SEED ?? Date.now() % 2 ** 31)
const runs = seconds > 0 ? { numRuns: 1e9, interruptAfterTimeLimit: seconds * 1000 } : { numRuns: 300 }
const settings = { ...runs, seed, markInterruptAsFailure: false }

/** A host without disks: every path exists and is where it says, by its letters. */
function resolveHostPath(path: string): HostAnswer {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return { path: `/${parts.join('/')}`, kind: path.endsWith('f') ? 'file' : 'directory' }
}
const options = { ceiling: NO_CEILING, resolveHostPath, baseDir: '/base' }

/** The policy, or nothing when it was refused as it should be. Anything else thrown is a failure. */
function attempt(make: () => Policy): Policy | null {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    assert.ok(error.problems.length > 0 && error.problems.length <= 51)
    assert.doesNotMatch(error.message, /[^\n\P{Cc}]|\p{Zl}|\p{Zp}/u, 'a control character in a message')
    assert.ok(error.message.length < 100_000)
    return null
  }
}

/** What "canonical" means, said a second time and in other words. */
function assertCanonical(policy: Policy): void {
  assert.ok(isPolicy(policy) && Object.isFrozen(policy.files.read))
  const grants = [...policy.files.read, ...policy.files.write]
  for (const path of [policy.workdir, ...grants.flatMap(({ host, inside }) => [host, inside])]) {
    assert.match(path, /^(\/[^/]+)+$/)
    assert.doesNotMatch(path, /\/\.\.?(\/|$)|\p{Cc}/u)
  }
  for (const { host, inside } of grants) {
    assert.doesNotMatch(host, /^\/(proc|sys|dev|run)(\/|$)/)
    assert.doesNotMatch(inside, /^\/(proc|sys|dev|run|usr|etc|bin|sbin|lib|lib64)(\/|$)/)
  }
  assert.equal(new Set(grants.map(({ inside }) => inside)).size, grants.length)
  for (const value of [...Object.values(policy.limits), policy.lifetime.deadlineMs])
    assert.ok(Number.isFinite(value) && value >= 0)
  assert.ok(policy.lifetime.deadlineMs >= 1 && policy.lifetime.deadlineMs <= 86_400_000)
  for (const [name, value] of Object.entries(policy.env)) {
    assert.match(name, /^[A-Za-z_][A-Za-z0-9_]*$/)
    assert.ok(!value.includes('\0'))
  }
  const again = parsePolicy(policyDocument(policy), options)
  assert.equal(policySha256(again), policySha256(policy), 'the written form is another policy')
}

const hold = (make: () => Policy) => {
  const policy = attempt(make)
  if (policy !== null) assertCanonical(policy)
}

const part = fc.constantFrom('', '.', '..', 'a', 'f', 'b', 'proc', 'usr', 'tmp', 'job', ':', '\0', '\n', 'é')
const path = fc.array(part, { maxLength: 5 }).map((parts) => `/${parts.join('/')}`)
const odd = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.constantFrom(null, true, [], {}, '', 0, -1),
)
const quantity = fc.oneof(
  fc.tuple(fc.nat(), fc.constantFrom('ms', 's', 'h', 'B', 'MiB', 'GiB', 'MB', '')).map((q) => q.join('')),
  odd,
)
const grant = fc.oneof(
  path,
  fc.tuple(path, path).map((pair) => pair.join(':')),
  fc.record({ path, inside: path }),
  odd,
)
const name = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/),
  fc.constantFrom('__proto__', 'toString'),
  fc.string(),
)
const section = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.oneof({ weight: 9, arbitrary: fc.record(model, { requiredKeys: [] }) }, odd)

/** Policies that are nearly right. */
const policy = fc.record(
  {
    version: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, odd),
    boundary: fc.constantFrom('process', 'gvisor', 'x'),
    root: fc.constantFrom('host', 'dir:/x'),
    workdir: path,
    env: fc.dictionary(name, fc.oneof({ weight: 9, arbitrary: fc.string({ unit: 'binary' }) }, odd), {
      maxKeys: 3,
    }),
    files: section({ read: fc.array(grant, { maxLength: 3 }), write: fc.array(grant, { maxLength: 3 }) }),
    lifetime: section({ deadline: quantity, noOutput: quantity, reuse: fc.constantFrom('never', {}) }),
    limits: section({
      memory: quantity,
      cpus: fc.oneof(fc.double(), odd),
      processes: fc.integer(),
      output: quantity,
      scratch: quantity,
    }),
    syscalls: section({
      deny: fc.array(fc.constantFrom('a', 'b', 'B')),
      allow: fc.array(fc.constantFrom('c', 'b')),
    }),
    waive: fc.array(fc.constantFrom('limits.memory', 'limits.cpus', 'x'), { maxLength: 3 }),
  },
  { requiredKeys: ['version'] },
)

/** Text made of the pieces that YAML is made of. */
const yaml = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'version: 1\n',
        'limits:',
        'files:',
        ' read:',
        'env: ',
        '{',
        '}',
        '[',
        ']',
        ',',
        ': ',
        '- ',
        '? ',
        '\n',
        '\n  ',
        ' ',
        '#',
        '|',
        '>',
        '&a',
        '*a',
        '!t',
        '"',
        "'",
        '---\n',
        '...',
        '%',
        '\\',
        '<<',
        '\t',
        '\r\n',
        '\ufeff',
        '~',
        'null',
        '1',
        '__proto__',
      ),
      fc.string({ unit: 'binary', maxLength: 6 }),
    ),
    { maxLength: 40 },
  )
  .map((pieces) => pieces.join(''))

test(`any text is refused with a PolicyError or is a canonical policy (seed ${seed})`, () => {
  fc.assert(
    fc.property(yaml, (text) => hold(() => parsePolicy(text, options))),
    settings,
  )
})

test(`a nearly right object is refused with a PolicyError or is a canonical policy (seed ${seed})`, () => {
  fc.assert(
    fc.property(policy, (value) => hold(() => parsePolicy(value, options))),
    settings,
  )
})

test(`any value is refused with a PolicyError or is a canonical policy (seed ${seed})`, () => {
  const value = fc.object({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withSparseArray: true,
  })
  fc.assert(
    fc.property(value, (any) => hold(() => parsePolicy(any, options))),
    settings,
  )
})

test(`JSON text means what the same object means (seed ${seed})`, () => {
  const both = (value: object) => {
    const json = JSON.stringify(value)
    // JSON has no NaN and no undefined: compare with what it says
    const fromText = attempt(() => parsePolicy(json, options))
    const fromObject = attempt(() => parsePolicy(JSON.parse(json), options))
    assert.equal(fromText && policySha256(fromText), fromObject && policySha256(fromObject))
  }
  fc.assert(fc.property(policy, both), settings)
})

test(`any flags are refused with a PolicyError or give a canonical policy (seed ${seed})`, () => {
  const text = fc.option(fc.oneof(fc.string({ unit: 'binary' }), quantity.map(String), path), {
    nil: undefined,
  })
  const texts = fc.array(
    fc.oneof(fc.string({ unit: 'binary' }), path, fc.constantFrom('A=b', 'HOME', 'limits.cpus')),
    { maxLength: 2 },
  )
  const flags = fc.record({
    workdir: text,
    deadline: text,
    memory: text,
    cpus: text,
    read: texts,
    write: texts,
    env: texts,
    waive: texts,
  })
  const make = (raw: PolicyFlags) =>
    hold(() => policyFromFlags(raw, { ...options, cwd: '/base', callerEnv: { HOME: '/h' } }))
  fc.assert(fc.property(flags, make), settings)
})
