import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Tried } from '../../src/proof/probes/index.js'
import { UNTOLD } from '../../src/proof/probes/index.js'
import { judge } from '../../src/proof/verify/judge.js'

const tried = (result: string, reached = result === 'ok', more: Partial<Tried> = {}): Tried => ({
  attempt: 'signal 4711 0',
  look: { result, detail: '' },
  reached,
  ...more,
})

describe('a probe', () => {
  test('holds when nothing was reached inside, and all of it in the open', () => {
    assert.deepEqual(judge([tried('EPERM')], [tried('ok')]), { status: 'holds', why: [] })
  })

  test('is broken by a single attempt, whatever its control says, and says which', () => {
    for (const control of [null, [tried('ok')], [tried('EPERM')], [tried('ENOSYS')]]) {
      const { status, why } = judge([tried('EPERM'), tried('ok')], control)
      assert.equal(status, 'broken')
      assert.deepEqual(why, ['signal 4711 0: ok'])
    }
  })

  test('whose control fails proves nothing', () => {
    const { status, why } = judge([tried('EPERM')], [tried('ok'), tried('EPERM')])
    assert.equal(status, 'controlFailed')
    assert.deepEqual(why, ['in the open, too: signal 4711 0: EPERM'])
  })

  test('that was never tried inside proves nothing either, for a sandbox that ends at once refuses everything', () => {
    assert.equal(judge([tried('EPERM'), tried(UNTOLD)], [tried('ok')]).status, 'controlFailed')
    assert.equal(judge([tried(UNTOLD)], null).status, 'controlFailed')
    assert.equal(judge([tried(UNTOLD, true)], [tried('ok')]).status, 'broken')
  })

  test('of what this kernel does not have is not applicable; a part of it that is lacking does no harm', () => {
    assert.equal(judge([tried('EPERM')], [tried('ENOSYS')]).status, 'notApplicable')
    assert.equal(judge([tried('EPERM')], [tried('ENOSYS'), tried('ok')]).status, 'holds')
    assert.equal(judge([tried('EPERM')], [tried('ENOSYS'), tried('EPERM')]).status, 'controlFailed')
  })

  test('of what nobody may do on this host is not applicable, but only where the attempt says so', () => {
    assert.equal(judge([tried('EPERM')], [tried('EPERM', false, { lacking: true })]).status, 'notApplicable')
    assert.equal(judge([tried('EPERM')], [tried('ok', true, { lacking: true })]).status, 'holds')
  })

  test('whose control has no attempt proves nothing', () => {
    assert.equal(judge([tried('EPERM')], []).status, 'controlFailed')
    assert.equal(judge([], []).status, 'controlFailed')
  })

  test('without its control is not applicable', () => {
    assert.equal(judge([tried('EPERM')], null).status, 'notApplicable')
  })
})
