/**
 * A part of what a container runtime is told is left out, and `verify` on that boundary says `broken` for exactly the claims that it kept. The
 * attack is a change of ours: a word of a configuration that gets lost, which no job would complain of.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { boundaryNamed } from '../../src/boundary/index.js'
import { hostFor } from '../../src/sandbox/index.js'
import { withBoundaries } from '../boundaries/tools.js'
import { ROOT } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { SUITE_IS_ROOT } from '../support/users.js'
import { CONTAINER_ROWS } from './mutation-containers-table.js'
import type { AskedOfContainers, ProbeLine } from './mutation-containers-worker.js'

const WORKER = fileURLToPath(new URL('mutation-containers-worker.js', import.meta.url))
const builds = join(ROOT, 'dist/mutable')
/** All rows, and of each every claim; else some, and of each the claims that any of them is about. */
const WHOLE = process.env.GLOVEBOX_MUTATION === 'whole'

const lack = withBoundaries()

before(() => {
  const argv = [join(ROOT, 'scripts/build.mjs'), 'mutable']
  const built = spawnSync(process.execPath, argv, { encoding: 'utf8' })
  assert.equal(built.status, 0, built.stderr)
})

async function verified(asked: AskedOfContainers): Promise<ProbeLine[]> {
  const { stdout, stderr, status } = await finished([process.execPath, WORKER, JSON.stringify(asked)], {
    cwd: '/',
    timeout: 900_000,
  })
  assert.equal(status, 0, stderr)
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ProbeLine)
}

const brokenOf = (lines: readonly ProbeLine[]) =>
  [...new Set(lines.filter(({ status }) => status === 'broken').map(({ claim }) => claim))].sort()

for (const boundary of ['runc', 'gvisor', 'docker'] as const)
  describe(`left out on ${boundary}`, {
    skip: SUITE_IS_ROOT ? false : 'needs root',
    concurrency: 1,
  }, () => {
    const rows = CONTAINER_ROWS[boundary].filter(({ always }) => WHOLE || always)
    const claims = WHOLE ? null : [...new Set(rows.flatMap(({ broken }) => broken))]
    const unavailable = async () =>
      lack(boundary) ?? boundaryNamed(boundary)?.unavailable(await hostFor(boundary))?.what ?? null

    test('control: with all in force none of these claims is broken', async (t) => {
      const why = await unavailable()
      if (why !== null) return t.skip(why)
      const lines = await verified({ boundary, off: [], builds, claims })
      assert.deepEqual(brokenOf(lines), [], JSON.stringify(lines.filter(({ status }) => status === 'broken')))
    })

    for (const { off, broken } of rows)
      test(`${off.join(' and ')}: broken is ${broken.join(', ')}`, async (t) => {
        const why = await unavailable()
        if (why !== null) return t.skip(why)
        const lines = await verified({ boundary, off, builds, claims })
        const seen = lines.filter(({ status }) => status !== 'holds' && status !== 'notApplicable')
        assert.deepEqual(brokenOf(lines), [...broken].sort(), JSON.stringify(seen))
      })
  })
