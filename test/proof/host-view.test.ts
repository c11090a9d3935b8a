/** Looking from the host: what is looked for has to be able to come meanwhile. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { hostView } from '../../src/proof/verify/host-view.js'

/** As long as it takes on a host of many processes: longer than from one look to the next. */
function costly(): void {
  for (const end = performance.now() + 15; performance.now() < end; );
}

test('many who look at once, each look costly, leave time for what they look for to come', async () => {
  const view = hostView({ cgroups: { bases: [], why: null } as never }, 'host')
  let came = false
  const looking = Array.from({ length: 6 }, () =>
    view.until(() => {
      costly()
      return came
    }, 5_000),
  )
  // as a start of a sandbox is: one thing read after another
  for (let step = 0; step < 20; step++) await readFile('/proc/self/stat')
  came = true
  assert.deepEqual(await Promise.all(looking), [true, true, true, true, true, true])
})

test('a look that fails fails alone', async () => {
  const view = hostView({ cgroups: { bases: [], why: null } as never }, 'host')
  await assert.rejects(
    view.until(() => {
      throw new Error('no look')
    }, 1_000),
    /no look/,
  )
  assert.equal(await view.until(() => true, 1_000), true)
})
