/** How much runs at once: the rest waits, fairly, no longer than its deadline, and can be taken back. */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BusyError, type ConcurrencyOptions, Glovebox, type Policy, parsePolicy } from '../../src/index.js'
import { USERS } from '../support/users.js'

const [user] = USERS
const waive = user?.noMemoryLimit === null ? [] : ['limits.memory']
const policyOf = (extra: object = {}): Policy => parsePolicy({ version: 1, waive, ...extra })
const PLAIN = policyOf()

async function glovebox(t: TestContext, concurrency: ConcurrencyOptions, warm = false): Promise<Glovebox> {
  const made = await Glovebox.start({ concurrency, warm })
  t.after(() => made.close())
  return made
}

describe('what runs at once', { skip: user?.skip ?? false }, () => {
  test('never more than may; the report says how long each waited', async (t) => {
    const box = await glovebox(t, { sandboxes: 2 })
    let [running, most] = [0, 0]
    const run = async () => {
      const result = await box.run(PLAIN, ['sleep', '0.1'], {
        onStarted: () => {
          most = Math.max(most, ++running)
        },
      })
      running--
      return result
    }
    const results = await Promise.all([1, 2, 3, 4, 5, 6].map(run))
    assert.ok(results.every(({ ok }) => ok))
    assert.equal(most, 2)
    const waits = results.map(({ report }) => report.usage.queueMs)
    assert.ok(Math.max(...waits.slice(0, 2)) < Math.min(...waits.slice(4)), `${waits}`)
    for (const { report } of results) assert.ok(report.usage.queueMs <= report.usage.startMs)
  })

  test('the deadline counts while it waits, and ends who waits too long', async (t) => {
    const box = await glovebox(t, { sandboxes: 1 })
    const short = policyOf({ lifetime: { deadline: '1s' } })
    const first = box.run(PLAIN, ['sleep', '4'])
    const late = await box.run(short, ['true'])
    assert.deepEqual([late.reason, late.exitCode], ['deadline', 124])
    assert.match(late.message ?? '', /still waited for its turn at its deadline of 1s/)
    assert.ok(late.report.usage.queueMs >= 1_000)
    // it waits for more than two seconds: of its six it has not five left
    const half = await box.run(policyOf({ lifetime: { deadline: '6s' } }), ['sleep', '5'])
    assert.equal(half.reason, 'deadline')
    assert.equal((await first).ok, true)
  })

  test('who waits can be cancelled, and close() ends them', async (t) => {
    const box = await glovebox(t, { sandboxes: 1 })
    const first = box.run(PLAIN, ['sleep', '60'])
    const cancelled = await box.run(PLAIN, ['true'], { signal: AbortSignal.timeout(100) })
    assert.equal(cancelled.reason, 'cancelled')
    assert.ok(cancelled.report.usage.queueMs >= 90, `${cancelled.report.usage.queueMs}`)
    const waiting = box.run(PLAIN, ['true'])
    await sleep(50)
    await box.close()
    assert.deepEqual([(await first).reason, (await waiting).reason], ['cancelled', 'cancelled'])
  })

  test('when no more may wait, BusyError says when to come again; then there is room', async (t) => {
    const box = await glovebox(t, { sandboxes: 1, queue: 1 })
    const two = [box.run(PLAIN, ['sleep', '0.3']), box.run(PLAIN, ['true'])]
    await assert.rejects(
      box.run(PLAIN, ['true']),
      (error) => error instanceof BusyError && error.code === 'busy.queue' && (error.retryAfterMs ?? 0) > 0,
    )
    assert.ok((await Promise.all(two)).every(({ ok }) => ok))
    assert.equal((await box.run(PLAIN, ['true'])).ok, true)
  })

  test('a run that is refused, or never starts, gives its place back', async (t) => {
    const box = await glovebox(t, { sandboxes: 1, starts: 1 })
    for (const argv of [['no-such-command'], ['/etc/passwd']])
      assert.equal((await box.run(PLAIN, argv)).reason, 'failed')
    await assert.rejects(box.run(PLAIN, ['cat'], { inputs: { a: '/no/such/file' } }))
    assert.equal((await box.run(PLAIN, ['true'])).ok, true)
  })

  test('the memory of all together: one whose limit is beyond it never runs', async (t) => {
    const box = await glovebox(t, { memory: 300 * 1024 ** 2 })
    await assert.rejects(box.run(policyOf({ limits: { memory: '1GiB' } }), ['true']), { code: 'busy.memory' })
    assert.equal((await box.run(PLAIN, ['true'])).ok, true)
  })

  test('a tenant with a hundred jobs keeps another waiting for one of them at most', async (t) => {
    const box = await glovebox(t, { sandboxes: 2, queue: 200 }, true)
    const order: string[] = []
    const run = async (tenant: string) => {
      await box.run(PLAIN, ['sleep', '0.02'], { tenant })
      order.push(tenant)
    }
    const much = Array.from({ length: 100 }, () => run('much'))
    await sleep(50)
    const seen = order.length
    await run('little')
    assert.ok(order.indexOf('little') - seen <= 6, `behind ${order.indexOf('little') - seen} of the other’s`)
    await Promise.all(much)
    assert.equal(order.length, 101)
  })
})
