import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ROOT } from '../support/checkout.js'

/** docs/threats.md promises an answer and a test for each attack. What rots first in such a table is the test's name. */
const DOCUMENT = readFileSync(join(ROOT, 'docs/threats.md'), 'utf8')

/** Rows of four cells below a heading of four, without the heading and its rule. */
const rows = DOCUMENT.split('\n')
  .filter((line) => /^\|.*\|$/.test(line))
  .map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  )
  .filter(([id = '']) => id !== 'id' && !/^-+$/.test(id))

const named = rows.map(([, attack = '', , tested = '']) => ({
  attack,
  tests: [...tested.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
}))

describe('docs/threats.md', () => {
  test('has the lines that it had, read as the table that they are', () => {
    assert.ok(rows.length > 50, `${rows.length}`)
    for (const cells of rows) assert.equal(cells.length, 4, cells.join(' | '))
  })

  test('names for each attack a file of tests that exists', () => {
    for (const { attack, tests } of named) {
      assert.notEqual(tests.length, 0, `${attack}: no test`)
      for (const name of tests)
        assert.ok(existsSync(join(ROOT, `${name}.test.ts`)), `${attack}: ${name}.test.ts`)
    }
  })

  test('leaves out no file of attacks from inside', () => {
    const all = new Set(named.flatMap(({ tests }) => tests))
    const files = readdirSync(join(ROOT, 'test/inside')).filter((name) => name.endsWith('.test.ts'))
    for (const name of files) assert.ok(all.has(`test/inside/${name.replace('.test.ts', '')}`), name)
  })
})
