/**
 * What a sandbox's end says of attempts that it never told of. One that is killed from outside before they are made refuses
 * nothing; a regression would show as a claim that holds because the machine was short of memory.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNTOLD } from '../../src/proof/probes/index.js'
import { endOf } from '../../src/proof/verify/bench.js'
import { triedOf } from '../../src/proof/verify/looks.js'

const ended = (signal: string | null) =>
  endOf({ verdict: { reason: 'signal', exitCode: 1, signal, message: null } })

test('the signal of a filter is an answer', () => {
  assert.equal(ended('SIGSYS'), 'SIGSYS')
})

test('a kill from outside, or an end without a signal, is none', () => {
  assert.equal(ended('SIGKILL'), UNTOLD)
  assert.equal(ended(null), UNTOLD)
  const [only] = triedOf([{ words: ['signal', '1', '0'] }], Buffer.from(''), ended('SIGKILL'))
  assert.deepEqual([only?.look.result, only?.reached], [UNTOLD, false])
})
