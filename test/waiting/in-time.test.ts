/** Waiting for what may never come. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inTime } from '../../src/waiting/index.js'

const never = new Promise<never>(() => {})
const A_LONG_TIME_MS = 2 ** 30

test('what comes in time is given, and no timer is left that would keep the process', async () => {
  const before = process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length
  assert.equal(await inTime(Promise.resolve('here'), A_LONG_TIME_MS), 'here')
  await assert.rejects(inTime(Promise.reject(new Error('no')), A_LONG_TIME_MS), /^Error: no$/)
  assert.equal(process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length, before)
})

test('what does not come is nothing, or what is said instead, or an error', async () => {
  assert.equal(await inTime(never, 1), undefined)
  assert.equal(await inTime(never, 1, () => 'instead'), 'instead')
  const fail = () => {
    throw new RangeError('too late')
  }
  await assert.rejects(inTime(never, 1, fail), /too late/)
})

test('what fails too late ends nobody', async () => {
  let fail: (error: Error) => void = () => {}
  const done = new Promise<never>((_, reject) => {
    fail = reject
  })
  assert.equal(await inTime(done, 1), undefined)
  fail(new Error('an unhandled rejection would end this process'))
  await new Promise((resolve) => setImmediate(resolve))
})
