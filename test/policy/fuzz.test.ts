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
import { readJson } from '../../src/policy/json-source.js'
import { readYaml } from '../../src/policy/yaml-source.js'
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
  return { path: `/${parts.join('/')}`, kind: parts.at(-1) === 'f' ? 'file' : 'directory' }
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

/** Whether a policy came of it; it is canonical then. */
const hold = (make: () => Policy): boolean => {
  const policy = attempt(make)
  if (policy !== null) assertCanonical(policy)
  return policy !== null
}

/** Right in all but one of twenty: a policy of a dozen leaves is then right about as often as it is wrong. */
const mostly = <T>(right: fc.Arbitrary<T>, wrong: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 19, arbitrary: right as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: wrong })
const strange = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.constantFrom(null, true, [], {}, '', 0),
)
const odd = fc.oneof(strange, fc.constantFrom(-1, '0s', '1MB', '9'.repeat(15), '../x', 'image:x', 'ptrace'))

const piece = fc.constantFrom('', '.', 'a', 'b', 'f', 'é', 'x y', 'proc', 'usr', '__proto__')
const rare = fc.constantFrom('/..', '/\0', '/\n', '/:', '//', '', '/\u{1b}[2J', '/\ud800')
const climb = (top: string) =>
  fc
    .tuple(fc.array(piece, { maxLength: 3 }), mostly(fc.constant(''), rare))
    .map(([pieces, end]) => `${top}${pieces.map((each) => `/${each}`).join('')}${end}`)
const host = fc.oneof(
  climb('/srv'),
  climb('rel'),
  mostly(climb('/home'), fc.constantFrom('/', '/proc/1', '/dev', '/etc')),
)
const inside = mostly(
  fc.constantFrom('/in', '/job/a', '/tmp/b', '/d', '/e/f'),
  fc.oneof(climb('/in'), climb('/usr'), climb('')),
)
const grant = mostly(
  fc.oneof(
    fc.tuple(host, inside).map((pair) => pair.join(':')),
    fc.record({ path: host, inside }, { requiredKeys: ['path', 'inside'] }),
  ),
  odd,
)
const grants = mostly(fc.array(grant, { maxLength: 2 }), odd)
const duration = mostly(
  fc.tuple(fc.integer({ min: 1, max: 86_400 }), fc.constantFrom('ms', 's')).map((each) => each.join('')),
  odd,
)
const size = mostly(
  fc.tuple(fc.integer({ min: 4, max: 900_000 }), fc.constant('MiB')).map((each) => each.join('')),
  odd,
)
const name = mostly(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/), fc.string()).map(String)
const value = mostly(fc.string({ unit: 'grapheme' }), odd)
const section = (model: Record<string, fc.Arbitrary<unknown>>) =>
  mostly(fc.record(model, { requiredKeys: [] }), odd)
const whole = (min: number, max: number) => mostly(fc.integer({ min, max }), odd)

/** Policies that are right or nearly so. */
const policy = fc.record(
  {
    version: mostly(fc.constant(1), odd),
    boundary: mostly(fc.constantFrom('process', 'gvisor'), odd),
    root: mostly(fc.constant('host'), odd),
    workdir: mostly(fc.constantFrom('/job', '/tmp', '/in', '/srv//x/.'), climb('')),
    env: mostly(fc.dictionary(name, value, { maxKeys: 3 }), odd),
    files: section({ read: grants, write: grants }),
    lifetime: section({ deadline: duration, noOutput: duration, reuse: fc.constant('never') }),
    limits: section({
      memory: size,
      cpus: mostly(fc.double({ min: 0.01, max: 1024, noNaN: true }), odd),
      processes: whole(1, 4_194_304),
      openFiles: whole(3, 1_048_576),
      output: size,
      scratch: size,
    }),
    syscalls: section({
      deny: fc.array(fc.constantFrom('a', 'b')),
      allow: fc.array(mostly(fc.constant('c'), odd)),
    }),
    waive: mostly(fc.uniqueArray(fc.constantFrom('limits.memory', 'limits.cpus')), odd),
  },
  { requiredKeys: ['version'] },
)

/** Text made of the pieces that YAML is made of, often after a start that is right. */
const PIECES = [
  'version: 1',
  'limits:',
  'files:',
  ' read:',
  'env: ',
  'A: b',
  '__proto__',
  '<<',
  '1',
  'null',
  '~',
]
const SIGNS = [
  ...'{}[],:-?#|>"\'%\\ \t\n',
  ': ',
  '- ',
  '\n  ',
  '\r\n',
  '&a',
  '*a',
  '!t',
  '---\n',
  '...',
  '\ufeff',
]
const noise = fc.array(
  fc.oneof(fc.constantFrom(...PIECES, ...SIGNS), fc.string({ unit: 'binary', maxLength: 6 })),
)
const yaml = fc
  .tuple(
    fc.constantFrom('', 'version: 1\n', 'version: 1\nenv: {A: "', 'version: 1\n# '),
    noise,
    fc.constantFrom('', '"}'),
  )
  .map(([start, pieces, end]) => start + pieces.join('') + end)

test(`any text is refused with a PolicyError or is a canonical policy (seed ${seed})`, () => {
  fc.assert(
    fc.property(yaml, (text) => void hold(() => parsePolicy(text, options))),
    settings,
  )
})

test(`a nearly right object is refused with a PolicyError or is a canonical policy (seed ${seed})`, () => {
  let [made, accepted] = [0, 0]
  const check = (given: object) => {
    made++
    if (hold(() => parsePolicy(given, options))) accepted++
  }
  fc.assert(fc.property(policy, check), settings)
  // a fuzzer whose every input is refused at the door checks nothing behind it
  assert.ok(accepted > made / 10, `${accepted} of ${made} accepted`)
  assert.ok(accepted < made * 0.9, `${accepted} of ${made} accepted`)
})

test(`any value is refused with a PolicyError or is a canonical policy (seed ${seed})`, () => {
  const any = fc.object({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withSparseArray: true,
  })
  fc.assert(
    fc.property(any, (given) => void hold(() => parsePolicy(given, options))),
    settings,
  )
})

test(`JSON text means what the same object means (seed ${seed})`, () => {
  const check = (given: object) => {
    // JSON has no NaN and no undefined: compare with what the text says
    const json = JSON.stringify(given)
    const fromText = attempt(() => parsePolicy(json, options))
    const fromObject = attempt(() => parsePolicy(JSON.parse(json), options))
    assert.equal(fromText && policySha256(fromText), fromObject && policySha256(fromObject))
  }
  fc.assert(fc.property(policy, check), settings)
})

test(`any flags are refused with a PolicyError or give a canonical policy (seed ${seed})`, () => {
  const text = (right: fc.Arbitrary<unknown>) => mostly(right, odd).map(String)
  const texts = (right: fc.Arbitrary<unknown>) => fc.array(text(right), { maxLength: 2 })
  const flags = fc.record(
    {
      workdir: text(fc.constantFrom('/job', '/in')),
      deadline: text(duration),
      memory: text(size),
      cpus: text(fc.constantFrom('1', '0.5', '2')),
      read: texts(fc.tuple(host, inside).map((pair) => pair.join(':'))),
      write: texts(fc.tuple(host, inside).map((pair) => pair.join(':'))),
      env: texts(fc.constantFrom('A=b', 'B=', 'HOME', 'C=d=e')),
      waive: texts(fc.constant('limits.cpus')),
    },
    { requiredKeys: [] },
  )
  const make = (raw: PolicyFlags) =>
    void hold(() => policyFromFlags(raw, { ...options, cwd: '/base', callerEnv: { HOME: '/h' } }))
  fc.assert(fc.property(flags, make), settings)
})

test('JSON read quickly is what the YAML reader makes of it, and never a text with a key written twice', () => {
  const key = fc.oneof(
    fc.constantFrom('a', 'b', '\\', '"', '{', ',', 'toString'),
    fc.string({ maxLength: 4 }),
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.array(fc.tuple(key, tie('tree')), { maxLength: 3 }).map((entries) => new Pairs(entries)),
    ),
  }))
  const where = { source: 'p', base: '/' }
  const yaml = (text: string) => {
    try {
      return { value: readYaml(text, where).value }
    } catch (error) {
      assert.ok(error instanceof PolicyError)
      return null
    }
  }
  fc.assert(
    fc.property(fc.array(fc.tuple(key, tree), { maxLength: 4 }), (entries) => {
      const text = written(new Pairs(entries))
      const quick = readJson(text, where)
      const slow = yaml(text)
      if (quick !== null) assert.deepEqual(slow, { value: quick.value }, text)
      if (repeats(new Pairs(entries))) assert.equal(quick, null, text)
    }),
    settings,
  )
})

/** An object that may have a key twice. */
class Pairs {
  readonly entries: readonly (readonly [string, unknown])[]
  constructor(entries: readonly (readonly [string, unknown])[]) {
    this.entries = entries
  }
}

function written(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(written).join(',')}]`
  if (!(value instanceof Pairs)) return JSON.stringify(value)
  return `{${value.entries.map(([key, each]) => `${JSON.stringify(key)}: ${written(each)}`).join(', ')}}`
}

function repeats(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(repeats)
  if (!(value instanceof Pairs)) return false
  const keys = value.entries.map(([key]) => key)
  return new Set(keys).size < keys.length || value.entries.some(([, each]) => repeats(each))
}
