/**
 * The house rule holds for the sources, and would notice if it did not. A checker that passes everything looks
 * like a tidy house, so each way to break the rule is planted in a small tree, and must be named.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

interface House {
  check(folder: string): Promise<{ problems: string[]; modules: number; imports: number }>
}

const root = new URL('../../../', import.meta.url)
const planted = new URL('test/house/planted/', root)
const { check }: House = await import(new URL('scripts/house/check.mjs', root).href)
const problemsIn = async (tree: string) => (await check(fileURLToPath(new URL(tree, planted)))).problems

/** tree in planted/ → the rule that it breaks */
const BROKEN: Record<string, string> = {
  'boundary-to-boundary': 'boundary-to-boundary',
  'cli-imported': 'nothing-imports-cli',
  cycle: 'no-cycle',
  'dev-dependency': 'not-in-dependencies',
  'floor-0': 'floor-0-imports-nothing',
  'host-value': 'host-takes-types-only',
  'not-found': 'not-found',
  nothing: 'nothing-seen',
  'plane-to-plane': 'sideways-from-network',
  'policy-to-plan': 'sideways-from-policy',
  'side-door': 'side-door',
  'side-door-around-the-registry': 'side-door',
  'side-door-of-a-boundary': 'side-door-of-a-boundary',
  'side-door-of-the-library': 'side-door-of-the-library',
  'test-imported': 'tests-stay-outside',
  upward: 'upward-from-floor-1',
  'upward-lazy': 'upward-from-floor-1',
  'upward-type': 'upward-from-floor-2',
  'without-floor': 'without-floor',
}

describe('the house rule', () => {
  test('holds in src/', () => {
    const house = spawnSync(process.execPath, ['scripts/house.mjs'], { cwd: root, encoding: 'utf8' })
    assert.equal(house.stderr, '')
    assert.equal(house.status, 0)
    assert.match(house.stdout, /^house: [1-9]\d* modules and [1-9]\d* imports stand as they should\n$/)
  })

  for (const [tree, rule] of Object.entries(BROKEN)) {
    test(`names ${rule} in ${tree}`, async () => {
      const rules = (await problemsIn(`${tree}/`)).map((problem) => problem.split(':')[0])
      assert.ok(rules.includes(rule), `found ${rules.join(', ') || 'nothing'}`)
    })
  }

  test('finds nothing in a tree that keeps it', async () => {
    assert.deepEqual(await problemsIn('good/'), [])
  })

  test('has a test for every planted tree', () => {
    assert.deepEqual(readdirSync(planted).sort(), [...Object.keys(BROKEN), 'good'].sort())
  })

  test('fails the command that lint runs', () => {
    const house = spawnSync(process.execPath, ['scripts/house.mjs', 'test/house/planted/upward'], {
      cwd: root,
      encoding: 'utf8',
    })
    assert.equal(house.status, 1)
    assert.match(house.stderr, /upward-from-floor-1: src\/policy\/index\.ts → src\/sandbox\/index\.ts/)
  })
})
