import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { VERDICT_MEANINGS, VERDICTS } from '../../src/network/index.js'
import { ROOT } from '../support/checkout.js'

test('docs/network.md has every verdict, with its meaning word for word, and no other', () => {
  const rows = readFileSync(join(ROOT, 'docs/network.md'), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, verdict, meaning] = /^\| `(allow|deny\w+)` \| (.*) \|$/.exec(line) ?? []
      return verdict === undefined ? [] : [[verdict, meaning]]
    })
  assert.deepEqual(
    rows,
    VERDICTS.map((verdict) => [verdict, VERDICT_MEANINGS[verdict]]),
  )
})

test('every meaning is one sentence', () => {
  for (const meaning of Object.values(VERDICT_MEANINGS)) assert.match(meaning, /^[A-Z][^.]*(\.[^ ][^.]*)*\.$/)
})
