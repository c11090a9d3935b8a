/** The promise that nothing is forgotten: each claim and each threat has a probe, or a reason why none can be. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { REQUIREMENT_IDS, type RequirementId } from '../../src/plan/index.js'
import { PROBES, THREATS, UNPROBED, UNTRIED } from '../../src/proof/index.js'
import type { ThreatId } from '../../src/proof/probes/index.js'
import { ROOT } from '../support/checkout.js'

/*
 * PENDING: what has no probe yet. Both lists only ever get shorter: a test fails when something in them has one, and nothing
 * may be added to them. To be empty before a release.
 */
const PENDING: readonly RequirementId[] = []
const PENDING_THREATS: readonly ThreatId[] = []

const probed = new Set(PROBES.map(({ claim }) => claim))
const attempted = new Set(PROBES.map(({ threat }) => threat))

describe('every claim', () => {
  for (const id of REQUIREMENT_IDS)
    test(`${id} has a probe, or a reason why it has none, and not both`, () => {
      const reason = UNPROBED[id]
      assert.ok(!(probed.has(id) && reason !== undefined), 'it has both: remove it from UNPROBED')
      assert.ok(probed.has(id) || reason !== undefined || PENDING.includes(id), 'it has neither')
      if (reason !== undefined) assert.match(reason, /^\S.{10,}[^.]$/, 'a phrase')
    })

  test('is pending no longer than it has no probe', () => {
    for (const id of PENDING)
      assert.ok(
        !probed.has(id) && UNPROBED[id] === undefined,
        `${id} is not pending any more: remove it from PENDING`,
      )
  })
})

describe('every threat', () => {
  const document = readFileSync(join(ROOT, 'docs/threats.md'), 'utf8')
  const rows = new Set([...document.matchAll(/^\| ([a-z][a-z0-9-]+) \|.*\|$/gm)].map(([, id = '']) => id))
  rows.delete('id')

  for (const id of Object.keys(THREATS) as ThreatId[])
    test(`${id} is tried, or has a reason why it is not, and not both`, () => {
      const reason = UNTRIED[id]
      assert.ok(!(attempted.has(id) && reason !== undefined), 'it has both: remove it from UNTRIED')
      assert.ok(attempted.has(id) || reason !== undefined || PENDING_THREATS.includes(id), 'it has neither')
    })

  test('is pending no longer than nothing tries it', () => {
    for (const id of PENDING_THREATS)
      assert.ok(
        !attempted.has(id) && UNTRIED[id] === undefined,
        `${id} is tried: remove it from PENDING_THREATS`,
      )
  })

  test('has a line in docs/threats.md, and every line there is known', () => {
    assert.deepEqual(
      [...rows].sort(),
      [...new Set([...Object.keys(THREATS), ...Object.keys(UNTRIED)])].sort(),
    )
  })
})

describe('every probe', () => {
  test('has an id of its own: its family, a dot, a name', () => {
    const ids = PROBES.map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length, `twice: ${ids.filter((id, at) => ids.indexOf(id) !== at)}`)
    for (const id of ids) assert.match(id, /^[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$/, id)
  })

  test('names a claim and a threat that exist, and says what it tries', () => {
    for (const { id, claim, threat, tries } of PROBES) {
      assert.ok((REQUIREMENT_IDS as readonly string[]).includes(claim), `${id}: ${claim}`)
      assert.ok(Object.hasOwn(THREATS, threat), `${id}: ${threat}`)
      assert.match(tries, /^[^|\n]{5,}[^.]$/, `${id}: a phrase, which a table can hold`)
    }
  })

  test('is no claim: --only can tell one from the other', () => {
    for (const { id } of PROBES) assert.ok(!(REQUIREMENT_IDS as readonly string[]).includes(id), id)
  })
})
