/**
 * `glovebox verify` again and again, with all its probes, on a machine that does other things too: of the default policy and of
 * each built-in profile, by each user, twenty times. GLOVEBOX_VERIFY_ROUNDS says how often; GLOVEBOX_VERIFY_POLICIES and
 * GLOVEBOX_VERIFY_USERS, lists with commas, of which and as whom.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { verified } from '../profiles/verified.js'
import { ROOT } from '../support/checkout.js'
import { USERS } from '../support/users.js'

const ROUNDS = Number(process.env.GLOVEBOX_VERIFY_ROUNDS ?? 20)
const DEFAULT = 'default'
const ALL = [DEFAULT, ...readdirSync(join(ROOT, 'policies')).map((name) => name.replace(/\.yaml$/, ''))]
const POLICIES = process.env.GLOVEBOX_VERIFY_POLICIES?.split(',') ?? ALL
const NAMES = process.env.GLOVEBOX_VERIFY_USERS?.split(',') ?? USERS.map(({ name }) => name)

test('policies and users that were asked for are ones that there are', () => {
  assert.deepEqual(
    POLICIES.filter((name) => !ALL.includes(name)),
    [],
  )
  assert.deepEqual(
    NAMES.filter((name) => !USERS.some((user) => user.name === name)),
    [],
  )
})

/** Of the machine that these tests have, nothing needs to be spared. */
for (const user of USERS.filter(({ name }) => NAMES.includes(name)))
  test(`verify passes with the controls that a machine would notice (started by ${user.name})`, {
    skip: user.skip ?? false,
  }, async () => {
    const { wrong, why } = await verified(user, null, ['--unsafe-controls'])
    assert.deepEqual(wrong, [])
    assert.deepEqual(
      why.filter((line) => line.includes('--unsafe-controls')),
      [],
    )
  })

for (const policy of POLICIES)
  for (const user of USERS.filter(({ name }) => NAMES.includes(name)))
    test(`verify of ${policy} passes ${ROUNDS} times in a row (started by ${user.name})`, {
      skip: user.skip ?? false,
    }, async (t) => {
      const failed: string[] = []
      const times: number[] = []
      for (let round = 1; round <= ROUNDS; round++) {
        const { wrong, ms } = await verified(user, policy === DEFAULT ? null : policy)
        times.push(ms)
        failed.push(...wrong.map((line) => `round ${round}: ${line}`))
      }
      times.sort((one, other) => one - other)
      const [least, middle, most] = [0, times.length >> 1, times.length - 1].map((at) => times[at])
      t.diagnostic(`${policy}, ${user.name}: ${least} to ${most} ms, half of them within ${middle} ms`)
      assert.deepEqual(failed, [])
    })
