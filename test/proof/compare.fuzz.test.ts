/** What a ratchet rests on: nothing that widens is missed, and nothing is wider than itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PolicyError } from '../../src/errors/index.js'
import { judgeRequest, rulesFor, type Target } from '../../src/network/index.js'
import type { NetworkPlan, Plan } from '../../src/plan/index.js'
import { type Change, comparePlans, widens } from '../../src/proof/index.js'
import { planOf } from './plans.js'

/** So many, or as long as GLOVEBOX_FUZZ_SECONDS says. */
const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 0)
const RUNS =
  SECONDS === 0
    ? { numRuns: 150 }
    : { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: SECONDS * 200 }

const HOSTS = [
  'api.x.test',
  '*.x.test',
  '*.api.x.test',
  'x.test',
  'b.y.test',
  '*.y.test',
  '10.1.2.3',
  '1.2.3.4',
]
const PATHS = ['/a', '/a/*', '/a/**', '/**', '/a/*/c', '/**/c', '/*b/**']
const BLOCKS = ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.3/32', '192.168.0.0/16']
const sizes = fc.constantFrom('1KiB', '2KiB', '4KiB', '1GiB')

const some = <T>(items: readonly T[]) => fc.subarray([...items], { minLength: 1 })
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

const rule = fc.record(
  {
    host: fc.constantFrom(...HOSTS),
    ports: some([80, 443, 8080]),
    protocol: maybe(fc.constantFrom('tls', 'http', 'tcp')),
    methods: maybe(some(['GET', 'POST', 'PUT'])),
    paths: maybe(some(PATHS)),
    upgrade: maybe(fc.boolean()),
    private: maybe(some(BLOCKS)),
    maxUpload: maybe(sizes),
    maxRate: maybe(fc.integer({ min: 1, max: 4 })),
  },
  { requiredKeys: ['host', 'ports'] },
)
const publicRule = fc.record(
  { ports: maybe(some([80, 443, 8080])), methods: maybe(some(['GET', 'POST'])), maxUpload: maybe(sizes) },
  { requiredKeys: [] },
)
const network = fc.record(
  {
    allow: maybe(fc.array(rule, { maxLength: 3 })),
    public: maybe(publicRule),
    loopback: maybe(fc.boolean()),
  },
  { requiredKeys: [] },
)
const FOLDERS = ['/srv', '/srv/a', '/srv/a/b', '/opt/c']
const policy = fc.record(
  {
    network: maybe(network),
    files: maybe(
      fc.record(
        {
          read: maybe(
            fc.array(fc.tuple(fc.constantFrom(...FOLDERS), fc.constantFrom('/in/1', '/in/2')), {
              maxLength: 2,
            }),
          ),
          write: maybe(
            fc.array(fc.tuple(fc.constantFrom(...FOLDERS), fc.constantFrom('/w/1', '/w/2'), fc.boolean()), {
              maxLength: 2,
            }),
          ),
        },
        { requiredKeys: [] },
      ),
    ),
    limits: maybe(
      fc.record(
        {
          memory: maybe(fc.constantFrom('64MiB', '1GiB')),
          cpus: maybe(fc.constantFrom(1, 2)),
          scratch: maybe(sizes.map(() => '1MiB')),
        },
        { requiredKeys: [] },
      ),
    ),
    lifetime: maybe(
      fc.record(
        { deadline: maybe(fc.constantFrom('1s', '9s')), noOutput: maybe(fc.constantFrom('1s', '2s')) },
        { requiredKeys: [] },
      ),
    ),
    env: maybe(fc.dictionary(fc.constantFrom('A', 'B', 'HOME'), fc.constantFrom('1', '/job'))),
    workdir: maybe(fc.constantFrom('/job', '/work')),
    waive: maybe(some(['limits.memory', 'limits.cpus'])),
    syscalls: maybe(
      fc.record(
        {
          profile: maybe(fc.constantFrom('default', 'compute')),
          lock: maybe(fc.constant('sealed')),
          deny: maybe(some(['flock', 'memfd_create'])),
          allow: maybe(some(['ptrace'])),
        },
        { requiredKeys: [] },
      ),
    ),
  },
  { requiredKeys: [] },
)

/** `null` where the loader refuses it: that is another test's matter. */
function planned(raw: object): Plan | null {
  const { files, ...rest } = JSON.parse(JSON.stringify(raw)) as {
    files?: { read?: string[][]; write?: unknown[][] }
  }
  const grants = files && {
    ...(files.read && { read: files.read.map(([path, inside]) => ({ path, inside })) }),
    ...(files.write && { write: files.write.map(([path, inside, live]) => ({ path, inside, live })) }),
  }
  try {
    return planOf({ ...rest, ...(grants && { files: grants }) })
  } catch (error) {
    if (error instanceof PolicyError) return null
    throw error
  }
}

const plan = policy.map(planned).filter((made) => made !== null)
/** Two networks: of rules of their own, or the same rules in another order and some of them missing. */
const networks = fc
  .oneof(
    fc.tuple(network, network),
    fc
      .array(rule, { minLength: 1, maxLength: 4 })
      .chain((rules) => fc.tuple(fc.constant(rules), fc.shuffledSubarray(rules, { minLength: 1 })))
      .map(([old, now]) => [{ allow: old }, { allow: now }] as const),
  )
  .map(([old, now]) => [planned({ network: old }), planned({ network: now })] as const)

const BACK: Record<Change, Change> = {
  appeared: 'disappeared',
  disappeared: 'appeared',
  widened: 'narrowed',
  narrowed: 'widened',
  changed: 'changed',
}

test('nothing differs from itself', () => {
  fc.assert(
    fc.property(plan, (made) => assert.deepEqual(comparePlans(made, made), [])),
    RUNS,
  )
})

test('what is wider one way is narrower the other, line by line', () => {
  const sorted = (lines: object[]) => lines.map((line) => JSON.stringify(line)).sort()
  fc.assert(
    fc.property(plan, plan, (a, b) => {
      const mirrored = comparePlans(b, a).map(({ change, before, after, ...rest }) => ({
        change: BACK[change],
        ...rest,
        before: after,
        after: before,
      }))
      const there = comparePlans(a, b).map(({ change, before, after, ...rest }) => ({
        change,
        ...rest,
        before,
        after,
      }))
      assert.deepEqual(sorted(there), sorted(mirrored))
    }),
    RUNS,
  )
})

test('plans that differ in anything but the network are not told the same', () => {
  const rest = ({ network: _, claims: __, ...others }: Plan) => others
  const unordered = (value: object) =>
    JSON.stringify(value, (_, each) =>
      Array.isArray(each) ? each.map((item) => JSON.stringify(item)).sort() : each,
    )
  const keys = (made: Plan) => ({ ...rest(made), env: Object.entries(made.env).sort() })
  fc.assert(
    fc.property(plan, plan, (a, b) => {
      if (unordered(keys(a)) === unordered(keys(b))) return
      // the network's part is silent where two texts mean one thing; the rest has one text for one meaning
      assert.notEqual(comparePlans(a, b).length, 0)
    }),
    RUNS,
  )
})

const TARGETS: readonly Target[] = [
  ...['api.x.test', 'x.test', 'q.x.test', 'z.api.x.test', 'b.y.test', 'o.y.test', 'www.example.com'].map(
    (name): Target => ({ kind: 'name', name }),
  ),
  ...['10.1.2.3', '1.2.3.4', '8.8.8.8'].map((address): Target => ({ kind: 'address', address })),
]
const REQUESTS = ['GET', 'POST', 'PUT', 'DELETE'].flatMap((method) =>
  ['/', '/a', '/a/b', '/a/b/c', '/a/b/c/d', '/xb/d', '/c'].flatMap((path) =>
    [false, true].map((upgrade) => ({ method, path, upgrade })),
  ),
)

/** What the gateway would let by, and to which private blocks: one word each. */
function passes(made: NetworkPlan): Map<string, readonly string[]> {
  const through = new Map<string, readonly string[]>()
  for (const target of TARGETS)
    for (const port of [80, 443, 8080]) {
      const found = rulesFor(made, target, port)
      if (found.verdict !== 'allow') continue
      const where = `${JSON.stringify(target)} ${port}`
      const { rules, protocol } = found
      if (protocol === 'tcp') through.set(`${where} bytes`, rules[0].private)
      if (protocol !== 'http') through.set(`${where} tls`, rules[0].private)
      if (protocol === 'tls') continue
      for (const { method, path, upgrade } of REQUESTS) {
        const host = target.kind === 'name' ? target.name : target.address
        const upgrading = upgrade ? ['Connection', 'upgrade', 'Upgrade', 'websocket'] : []
        const rawHeaders = ['Host', port === 80 ? host : `${host}:${port}`, ...upgrading]
        const key = `${where} ${method} ${path} ${upgrade}`
        if (protocol === 'tcp') {
          through.set(key, rules[0].private)
          continue
        }
        const head = { method, url: path, rawHeaders, httpVersion: '1.1' }
        const verdict = judgeRequest(head, target, port, rules)
        if (verdict.verdict === 'allow') through.set(key, verdict.rule.private)
      }
    }
  return through
}

const inside = (block: string, blocks: readonly string[]) =>
  blocks.includes(block) ||
  (block.startsWith('10.') && !block.endsWith('/32') && blocks.includes('10.0.0.0/8'))

test('what passes the gateway under the new plan, and did not under the old one, is never missed', () => {
  let passed = 0
  fc.assert(
    fc.property(networks, ([old, now]) => {
      if (old === null || now === null || widens(comparePlans(old, now))) return
      const before = passes(old.network!)
      for (const [key, blocks] of passes(now.network!)) {
        passed++
        const held = before.get(key)
        assert.ok(held !== undefined, key)
        for (const block of blocks) assert.ok(inside(block, held), `${key}: ${block}`)
      }
    }),
    RUNS,
  )
  assert.ok(passed > 0, 'nothing passed at all')
})

test('a rule more, or a bound raised, never narrows', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 2 }), rule, (rules, more) => {
      const [old, now] = [
        planned({ network: { allow: rules } }),
        planned({ network: { allow: [...rules, more] } }),
      ]
      if (old === null || now === null) return
      const narrower = comparePlans(old, now).filter(
        ({ change }) => change === 'narrowed' || change === 'disappeared',
      )
      assert.deepEqual(narrower, [])
    }),
    RUNS,
  )
})
