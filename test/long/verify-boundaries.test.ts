/** The whole of `verify --boundary all`, under policies with and without a network. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { withBoundaries } from '../boundaries/tools.js'
import { finished } from '../support/spawned.js'
import { SUITE_IS_ROOT, USERS } from '../support/users.js'

withBoundaries()
const [user = assert.fail('nobody')] = USERS

describe('verify --boundary all', { skip: SUITE_IS_ROOT ? false : 'needs root', concurrency: 1 }, () => {
  for (const policy of [[], ['--policy', 'link-preview'], ['--policy', 'git']])
    test(policy.at(1) ?? 'the default policy', async () => {
      const { status, stdout, stderr } = await finished(
        user.as(user.cli(['verify', '--quiet', '--boundary', 'all', ...policy])),
        { cwd: '/', timeout: 1_200_000 },
      )
      assert.equal(status, 0, stdout + stderr)
      assert.ok((stdout.match(/ 0 broken, /g) ?? []).length >= 2, stdout)
    })
})
