import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../support/checkout.js'

test('the tables of docs/verify.md and docs/boundaries.md are what the code says', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/verify-docs.mjs'), '--check'], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
})
