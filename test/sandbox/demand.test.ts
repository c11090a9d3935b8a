import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Demand } from '../../src/sandbox/pool/demand.js'

describe('how many sandboxes of a plan should wait', () => {
  test('none where nobody asked, and one where one asks at a time', () => {
    const demand = new Demand(10_000)
    assert.equal(demand.atOnce(0), 0)
    for (let now = 0; now < 5_000; now += 500) demand.asked(now)
    assert.equal(demand.atOnce(5_000), 1)
  })

  test('as many as asked at once, on both sides of a border in time too', () => {
    const demand = new Demand(10_000)
    for (const now of [1_098, 1_099, 1_100, 1_101]) demand.asked(now)
    demand.asked(7_000)
    assert.equal(demand.atOnce(7_000), 4)
  })

  test('what was long ago is forgotten, so that an idle plan has none', () => {
    const demand = new Demand(10_000)
    for (let i = 0; i < 8; i++) demand.asked(1_000)
    assert.equal(demand.atOnce(10_900), 8)
    assert.equal(demand.atOnce(11_200), 0)
  })

  test('never more than were asked for lately, whenever that was', () => {
    const times = fc.array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 300 })
    fc.assert(
      fc.property(times, (all) => {
        const demand = new Demand(5_000)
        const sorted = [...all].sort((a, b) => a - b)
        for (const [index, now] of sorted.entries()) {
          demand.asked(now)
          const lately = sorted.slice(0, index + 1).filter((each) => each > now - 5_200)
          assert.ok(demand.atOnce(now) >= 1 && demand.atOnce(now) <= lately.length)
        }
      }),
    )
  })
})
