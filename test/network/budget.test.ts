/** The attacks: a leak through an allowed host, a flood of connections, connections that are never closed. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Budget, openAll } from '../../src/network/index.js'
import type { RuleBudget } from '../../src/policy/index.js'

const NONE: RuleBudget = { maxUploadBytes: null, maxDownloadBytes: null, maxConnections: null, maxRate: null }

function budget(limits: Partial<RuleBudget>, clock = { ms: 0 }): Budget {
  return new Budget({ ...NONE, ...limits }, () => clock.ms)
}

describe('bytes', () => {
  test('pass up to the limit, each way by itself, and not one more', () => {
    const each = budget({ maxUploadBytes: 10, maxDownloadBytes: 5 })
    assert.ok(each.take('up', 6) && each.take('up', 4) && each.take('down', 5))
    assert.ok(!each.take('up', 1) && !each.take('down', 1))
    assert.ok(each.take('up', 0))
  })

  test('that were refused count for nothing, and what still fits still passes', () => {
    const each = budget({ maxUploadBytes: 10 })
    assert.ok(!each.take('up', 11))
    assert.ok(each.take('up', 10))
  })

  test('cannot be given back by a number that is none', () => {
    const each = budget({ maxUploadBytes: 10 })
    for (const odd of [-5, Number.NaN, Number.NEGATIVE_INFINITY]) assert.ok(!each.take('up', odd))
    assert.ok(!budget({}).take('up', Number.NaN))
    assert.ok(each.take('up', 10) && !each.take('up', 1))
  })

  test('without a limit pass', () => assert.ok(budget({}).take('down', Number.MAX_SAFE_INTEGER)))
})

describe('connections', () => {
  test('are as many at once as may be; one that ended makes room', () => {
    const each = budget({ maxConnections: 2 })
    assert.ok(each.open() && each.open() && !each.open())
    each.close()
    assert.ok(each.open() && !each.open())
  })

  test('are as many in any second as may be, wherever the second begins', () => {
    const clock = { ms: 900 }
    const each = budget({ maxRate: 2 }, clock)
    assert.ok(each.open() && each.open() && !each.open())
    clock.ms = 1899
    assert.ok(!each.open())
    clock.ms = 1900
    assert.ok(each.open() && each.open() && !each.open())
  })

  test('at random: never more in any window of a second', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5 }),
        fc.array(fc.nat({ max: 700 }), { maxLength: 60 }),
        (maxRate, pauses) => {
          const clock = { ms: 0 }
          const each = budget({ maxRate }, clock)
          const begun: number[] = []
          for (const pause of pauses) {
            clock.ms += pause
            if (each.open()) begun.push(clock.ms)
          }
          for (const start of begun)
            assert.ok(begun.filter((at) => at >= start && at < start + 1000).length <= maxRate)
        },
      ),
    )
  })

  test('count for the rule and for the sandbox, or for neither', () => {
    const [one, sandbox] = [budget({ maxConnections: 5 }), budget({ maxConnections: 1 })]
    assert.ok(openAll([one, sandbox]))
    assert.ok(!openAll([one, sandbox]))
    assert.deepEqual([one.connections, sandbox.connections], [1, 1])
  })
})
