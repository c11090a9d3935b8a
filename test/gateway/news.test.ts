/**
 * The attack: a gateway that was taken over by what it read, and now speaks to the supervisor. What it says must not be kept
 * beyond what is known and bounded, and must not reach whoever reads reports as anything but text.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readNews } from '../../src/gateway/news.js'

const ATTEMPT = {
  at: '2026-01-01T00:00:00.000Z',
  protocol: 'http',
  name: 'good.test',
  address: '93.184.216.34',
  port: 80,
  verdict: 'allow',
  rule: 'network.allow[0]',
  sentBytes: 1,
  receivedBytes: 2,
  method: 'GET',
  path: '/',
  count: 1,
}
const told = (more: object) => ({ kind: 'attempts', id: 1, omitted: 0, attempts: [{ ...ATTEMPT, ...more }] })

describe('what the gateway says', () => {
  test('control: what it does say is read as it is', () => {
    assert.deepEqual(readNews(told({})), told({}))
    assert.deepEqual(readNews({ kind: 'detached', id: 4 }), { kind: 'detached', id: 4 })
  })

  test('keys that it never sends are not kept, of whatever size or name', () => {
    const message = told(JSON.parse('{"__proto__": {"polluted": 1}, "junk": {"a": ["b"]}}'))
    assert.deepEqual(readNews({ ...message, more: 'x' }), told({}))
    assert.equal(({} as { polluted?: number }).polluted, undefined)
  })

  const words: Readonly<Record<string, unknown>> = {
    'no object': 'attempts',
    'no kind': {},
    'another kind': { kind: 'grant', id: 1 },
    'an id that is none': { kind: 'attached', id: -1 },
    'a verdict that there is not': told({ verdict: 'allowed' }),
    'a verdict that objects inherit': told({ verdict: 'constructor' }),
    'a protocol that there is not': told({ protocol: 'smtp' }),
    'a time that is none': told({ at: '\u001b[2J' }),
    'text without end': told({ path: 'x'.repeat(5000) }),
    'an object for text': told({ hint: { toString: 1 } }),
    'counts below nothing': told({ sentBytes: -1 }),
    'counts that are none': told({ count: '1' }),
    'attempts that are no list': { kind: 'attempts', id: 1, omitted: 0, attempts: { length: 1 } },
  }
  for (const [what, message] of Object.entries(words))
    test(`${what} is a word that it never says`, () => assert.equal(readNews(message), null))
})
