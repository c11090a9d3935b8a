import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Attempt } from '../../src/proof/probes/index.js'
import { toldOf, triedOf, wordOf } from '../../src/proof/verify/looks.js'

const SIGNAL: Attempt = { words: ['signal', '7', '0'] }
const READ: Attempt = { words: ['read', '/proc/1/environ'] }
const told = (text: string, attempts: readonly Attempt[] = [SIGNAL, READ]) =>
  triedOf(attempts, Buffer.from(text, 'latin1'), 'ended').map(({ look, reached }) => [look.result, reached])

describe('what the program says', () => {
  test('is read line by line, in the order of the attempts', () => {
    assert.deepEqual(told('signal,7,0\tESRCH\t\nread,/proc/1/environ\tok\tHOME=/job\n'), [
      ['ESRCH', false],
      ['ok', true],
    ])
  })

  test('is taken for nothing when it answers another question, or none', () => {
    for (const text of [
      '',
      '\n\n',
      'read,/proc/1/environ\tok\t\n',
      'signal,7\tok\t\n',
      'signal,7,0 ok\n',
      'signal,7,0\t\t\n',
      'signal,7,0\tnot ok\t\n',
    ])
      assert.deepEqual(
        told(text),
        [
          ['ended', false],
          ['ended', false],
        ],
        JSON.stringify(text),
      )
  })

  test('is judged by the attempt where success means something else', () => {
    const mask: Attempt = { words: ['read', '/proc/kcore'], reached: ({ detail }) => detail !== '' }
    assert.deepEqual(told('read,/proc/kcore\tok\t\n', [mask]), [['ok', false]])
    assert.deepEqual(told('read,/proc/kcore\tok\tx\n', [mask]), [['ok', true]])
  })

  test('says how far it came, so that the rest can be tried elsewhere', () => {
    const attempts = [SIGNAL, READ]
    assert.equal(toldOf(attempts, Buffer.from('')), 0)
    assert.equal(toldOf(attempts, Buffer.from('signal,7,0\tESRCH\t\n')), 1)
    assert.equal(toldOf(attempts, Buffer.from('signal,7,0\tESRCH\t\nread,/proc/1/environ\tEACCES\t\n')), 2)
  })

  test('is asked for in the words that it answers with', () => {
    assert.equal(wordOf(SIGNAL), 'signal,7,0')
  })
})
