/** What is made ahead is made in time that is left over. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Processors, timesIn } from '../../src/sandbox/pool/processors.js'

test('/proc/stat is read as its manual has it, old kernels’ and new ones’', () => {
  const now = 'cpu  10 20 30 40 50 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n'
  assert.deepEqual(timesIn(now), { idle: 90, all: 171 })
  assert.deepEqual(timesIn('cpu  10 20 30 40 50\n'), { idle: 90, all: 150 })
  assert.equal(timesIn('cpu0 1 2 3 4 5\n'), null)
  assert.equal(timesIn(''), null)
})

function processors() {
  const state = { ms: 0, idle: 0, all: 0, reads: 0 }
  const looked = new Processors(
    () => state.ms,
    () => {
      state.reads++
      return { idle: state.idle, all: state.all }
    },
  )
  const pass = (ms: number, idle: number) => {
    state.ms += ms
    state.all += ms
    state.idle += ms * idle
  }
  return { looked, pass, state }
}

test('processors are idle until they are seen to be busy, and again when a tenth of them is', () => {
  const { looked, pass } = processors()
  assert.equal(looked.hadTime(), true)
  pass(100, 0.05)
  assert.equal(looked.hadTime(), false)
  pass(100, 0.1)
  assert.equal(looked.hadTime(), true)
})

test('they are looked at ten times a second at most, and what was long ago says nothing', () => {
  const { looked, pass, state } = processors()
  looked.hadTime()
  pass(100, 0)
  for (let count = 0; count < 50; count++) {
    pass(1, 1)
    assert.equal(looked.hadTime(), false)
  }
  assert.equal(state.reads, 2)
  pass(5_000, 0)
  assert.equal(looked.hadTime(), true)
})

test('where they can’t be told they are taken for idle', () => {
  assert.equal(
    new Processors(
      () => 0,
      () => null,
    ).hadTime(),
    true,
  )
})
