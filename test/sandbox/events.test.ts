/** What is told of runs, without runs: what a slow reader misses, in which order things are told, and what is never said. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { LaunchError, UsageError } from '../../src/errors/index.js'
import type { Attachment } from '../../src/gateway/index.js'
import { type Plan, parsePolicy } from '../../src/index.js'
import { AttemptLog } from '../../src/network/index.js'
import { type NetworkAttempt, NO_USAGE } from '../../src/report/index.js'
import { KnownValues } from '../../src/sandbox/credentials/index.js'
import type { AttemptEvent, GloveboxEvent } from '../../src/sandbox/events/event.js'
import { Events } from '../../src/sandbox/events/events.js'
import { limitsReached } from '../../src/sandbox/events/limits.js'
import { RunEvents } from '../../src/sandbox/events/run-events.js'
import { EventStream } from '../../src/sandbox/events/stream.js'
import { NEVER_LAUNCHED } from '../../src/sandbox/never-launched.js'

const VALUE = 'ghp_q7Zr2kXw9LmT4vBn8sYc'
const plan = { boundary: 'process', limits: { processes: 64 } } as unknown as Plan
const verdict = { reason: 'exited', exitCode: 0, signal: null, message: null } as const
const ending = { verdict, isWarm: false, end: NEVER_LAUNCHED, network: null }

const attempt = (more: Partial<NetworkAttempt> = {}): NetworkAttempt => ({
  at: '2026-01-01T00:00:00.000Z',
  protocol: 'tls',
  name: 'a.test',
  address: null,
  port: 443,
  verdict: 'denyName',
  rule: null,
  sentBytes: 0,
  receivedBytes: 0,
  count: 1,
  ...more,
})

/** Of a run that may know a value. */
function ofRun(values: Readonly<Record<string, string>> = {}, tenant: string | null = null) {
  const known = new KnownValues()
  for (const [name, value] of Object.entries(values)) known.heard(name, value)
  const credentials = {
    redact: (text: string) => known.redact(text),
    redactAll: <T>(data: T) => known.redactAll(data),
  }
  const told: GloveboxEvent[] = []
  const events = new RunEvents({ id: 'one', tenant, plan, policySha256: 'p', credentials }, (event) =>
    told.push(event),
  )
  return { events, told, kinds: () => told.map(({ kind }) => kind).join(' ') }
}

const credentials = { redact: (text: string) => text, redactAll: <T>(data: T) => data }

const attachment = (leases: Partial<Attachment['leases'][number]>[] = []) =>
  ({ leases, listener: null }) as unknown as Attachment

describe('a stream', () => {
  const events = (count: number) => {
    const { events, told } = ofRun()
    for (let each = 0; each < count; each++) events.queued()
    return told
  }
  const drained = async (stream: EventStream) => {
    stream.close()
    const all: string[] = []
    for await (const event of stream) all.push(event.kind === 'missed' ? `${event.count}` : event.kind)
    return all
  }

  test('keeps no more than it may, and says how many were left out, where they were', async () => {
    const stream = new EventStream(2, () => {})
    for (const event of events(1002)) stream.push(event)
    await stream.next()
    await stream.next()
    stream.push(events(1)[0]!)
    assert.deepEqual(await drained(stream), ['1000', 'queued'])
  })

  test('none is lost without being counted, however its reader reads', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(fc.boolean()), async (most, steps) => {
        const stream = new EventStream(most, () => {})
        const [event] = events(1)
        let [pushed, seen] = [0, 0]
        const count = (kind: string) => {
          seen += kind === 'queued' ? 1 : Number(kind)
        }
        for (const push of steps) {
          if (push) {
            stream.push(event!)
            pushed++
          } else if (seen < pushed) {
            const { value } = await stream.next()
            count(value.kind === 'missed' ? `${value.count}` : value.kind)
          }
        }
        for (const kind of await drained(stream)) count(kind)
        assert.equal(seen, pushed)
      }),
    ))

  test('who waits gets the next one; who leaves gets none, and is not kept', async () => {
    const left: EventStream[] = []
    const stream = new EventStream(1, (gone) => left.push(gone))
    const [event] = events(1)
    const waiting = [stream.next(), stream.next()]
    stream.push(event!)
    assert.equal((await waiting[0])?.value, event)
    await stream.return()
    assert.equal((await waiting[1])?.done, true)
    stream.push(event!)
    assert.equal((await stream.next()).done, true)
    assert.deepEqual(left, [stream])
  })

  for (const most of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    test(`of at most ${most} is refused`, () => {
      assert.throws(() => new EventStream(most, () => {}), UsageError)
    })
})

describe('the order of one run', () => {
  test('what the gateway says early is told after `started`', () => {
    const { events, kinds } = ofRun()
    events.queued()
    events.attached(attachment([{ name: 'T', ended: null }]))
    events.attempts([attempt()])
    events.started(true)
    events.leaseEnded('T', 'sandbox')
    events.ended(ending, NO_USAGE)
    assert.equal(kinds(), 'queued started lease attempt lease ended')
  })

  test('a run that never started still tells of its lease, which had ended before anybody heard', () => {
    const { events, told, kinds } = ofRun()
    events.queued()
    events.attached(attachment([{ name: 'T', ended: 'expired' }]))
    events.refused(new LaunchError('launch.timeout', 'No sandbox came up.'))
    assert.equal(kinds(), 'queued lease lease ended')
    assert.deepEqual(
      told.flatMap((event) => (event.kind === 'lease' ? [[event.state, event.by]] : [])),
      [
        ['begun', null],
        ['ended', 'expired'],
      ],
    )
    const last = told.at(-1)
    assert.ok(last?.kind === 'ended')
    assert.deepEqual(
      [last.reason, last.code, last.exitCode, last.usage],
      ['refused', 'launch.timeout', null, null],
    )
  })

  test('an error that is not of Glovebox has no code', () => {
    const { events, told } = ofRun()
    events.refused(new TypeError(VALUE))
    assert.ok(told[0]?.kind === 'ended' && told[0].code === null)
  })
})

describe('attempts', () => {
  const tell = (batches: NetworkAttempt[][]) => {
    const { events, told } = ofRun()
    const log = new AttemptLog()
    events.started(false)
    for (const batch of batches) {
      for (const { count, ...each } of batch) log.add(each, count)
      events.attempts(log.attempts)
    }
    const network = { attempts: log.attempts, omitted: log.omitted, lost: false }
    events.ended({ ...ending, network }, NO_USAGE)
    const all = told.filter((event): event is AttemptEvent => event.kind === 'attempt')
    return { all, log, last: told.at(-1) }
  }

  test('the first of each kind at once, the others together at the end: all add up to the report', () => {
    const allowed = attempt({ verdict: 'allow', sentBytes: 10, receivedBytes: 5 })
    const { all } = tell([[attempt()], [attempt({ count: 3 }), allowed], [attempt(), allowed]])
    assert.deepEqual(
      all.map(({ verdict, count, sentBytes, receivedBytes }) => [verdict, count, sentBytes, receivedBytes]),
      [
        ['denyName', 1, 0, 0],
        ['allow', 1, 10, 5],
        ['denyName', 4, 0, 0],
        ['allow', 1, 10, 5],
      ],
    )
  })

  test('a flood of names is a bounded number of events, and `ended` says how many are in none', () => {
    const flood = Array.from({ length: 5_000 }, (_, at) => attempt({ name: `n${at}.test` }))
    const { all, log, last } = tell([flood, flood, flood])
    assert.ok(all.length <= 2_000, `${all.length}`)
    assert.ok(last?.kind === 'ended' && last.attemptsOmitted === log.omitted && log.omitted > 0)
    const counted = all.reduce((sum, { count }) => sum + count, last.attemptsOmitted)
    assert.equal(counted, 15_000)
  })

  test('a path and a hint are not told; a value is taken out before a long text is cut, so that no half of it stays', () => {
    const { events, told } = ofRun({ T: VALUE }, `tenant-${VALUE}`)
    events.started(false)
    const long = `${'a'.repeat(250)}${VALUE}.test`
    events.attempts([
      attempt({ name: long, method: VALUE, problem: `E${VALUE}`, path: `/${VALUE}`, hint: `add ${VALUE}` }),
    ])
    const [, event] = told
    assert.ok(event?.kind === 'attempt')
    assert.equal(event.name, `${'a'.repeat(250)}[secre…`)
    assert.equal(event.method, '[secret T]')
    assert.equal(event.tenant, 'tenant-[secret T]')
    assert.deepEqual([Object.hasOwn(event, 'path'), Object.hasOwn(event, 'hint')], [false, false])
    assert.doesNotMatch(JSON.stringify(told), /ghp_/)
  })

  test('no text of the job or of its gateway is longer than 256 characters', () =>
    fc.assert(
      fc.property(fc.string({ maxLength: 5000, minLength: 200 }), (text) => {
        const { events, told } = ofRun()
        events.started(false)
        events.attempts([attempt({ name: text, address: text, rule: text, method: text, problem: text })])
        for (const value of Object.values(told[1] ?? {}))
          assert.ok(typeof value !== 'string' || value.length <= 257)
      }),
    ))
})

test('limits, by how a run ended', () => {
  const limits = { processes: 64 }
  const end = { outOfMemory: false, forkRefusals: null }
  const reached = (reason: string, more: object = {}, signal: string | null = null, of = limits) =>
    limitsReached(of, { reason: reason as 'exited', signal }, { ...end, ...more }).map(
      ({ limit, effect }) => `${limit} ${effect}`,
    )
  assert.deepEqual(reached('exited'), [])
  assert.deepEqual(reached('deadline'), ['lifetime.deadline ended'])
  assert.deepEqual(reached('noOutput'), ['lifetime.noOutput ended'])
  assert.deepEqual(reached('output'), ['limits.output ended'])
  assert.deepEqual(reached('memory', { outOfMemory: true }), ['limits.memory ended'])
  assert.deepEqual(reached('cancelled', { outOfMemory: true }), ['limits.memory hindered'])
  assert.deepEqual(reached('signal', {}, 'SIGXFSZ'), ['limits.scratch ended'])
  assert.deepEqual(reached('signal', {}, 'SIGSEGV'), [])
  const both = ['lifetime.deadline ended', 'limits.processes hindered']
  assert.deepEqual(reached('deadline', { forkRefusals: 3 }), both)
  // it is not the policy's
  assert.deepEqual(reached('exited', { forkRefusals: 3 }, null, { processes: null } as never), [])
})

test('while nobody listens, nothing of a run is looked at', () => {
  let looks = 0
  const watched = <T extends object>(of: T): T =>
    new Proxy(of, {
      get: (target, key) => {
        looks++
        return Reflect.get(target, key)
      },
      ownKeys: (target) => {
        looks++
        return Reflect.ownKeys(target)
      },
    })
  const policy = watched(parsePolicy({ version: 1 }))
  const whose = watched({ id: 'one', tenant: null, plan, credentials })
  const events = new Events()
  assert.equal(events.ofRun(policy, whose), null)
  assert.equal(looks, 0)
  // control
  events.stream({})
  assert.notEqual(events.ofRun(policy, whose), null)
  assert.ok(looks > 0)
})

test('a policy’s digest is made once', () => {
  let looks = 0
  const policy = new Proxy(parsePolicy({ version: 1 }), {
    ownKeys: (target) => {
      looks++
      return Reflect.ownKeys(target)
    },
  })
  const events = new Events()
  events.stream({})
  for (const id of ['one', 'two', 'three']) events.ofRun(policy, { id, tenant: null, plan, credentials })
  assert.equal(looks, 1)
})

test('a run is told to those who listened when it was accepted', async () => {
  const events = new Events()
  const policy = parsePolicy({ version: 1 })
  const early = events.stream({})
  const run = events.ofRun(policy, { id: 'one', tenant: null, plan, credentials })
  const late = events.stream({})
  run?.queued()
  run?.refused(null)
  events.close()
  const told: string[] = []
  for await (const { kind } of early) told.push(kind)
  assert.deepEqual(told, ['queued', 'ended'])
  assert.equal((await late.next()).done, true)
})
