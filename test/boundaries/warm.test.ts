/** On every boundary a sandbox can be there before its job is, and is then what it would have been otherwise. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Glovebox, parsePolicy } from '../../src/index.js'
import { sharedFolder } from '../support/checkout.js'
import { image, machineArchive, noMachine } from '../support/machine-image.js'
import { SUITE_IS_ROOT } from '../support/users.js'
import { BUILT, withBoundaries } from './tools.js'

const lack = withBoundaries()
const IMAGE = `glovebox-warm-test-${process.pid}`
const machine = SUITE_IS_ROOT ? noMachine() : 'its image is in root’s store'

before(() => {
  if (machine === null)
    image('import', machineArchive(sharedFolder(), ['sh', 'ls', 'cat', 'tee', 'sleep']), IMAGE)
})
after(() => {
  if (machine === null) image('rm', IMAGE)
})

/** Says what it finds of who was there before, and leaves something of its own wherever it may. */
const JOB = `
for place in /tmp /dev/shm /job; do echo "$place"/* "$place"/.[!.]*; done
echo "$0" | tee /tmp/left /dev/shm/left /job/.left
cat
sleep 1000 &
exit 7`

/** What stands for all files of a folder stands there itself. */
const NOTHING = ['/tmp', '/dev/shm', '/job'].map((place) => `${place}/* ${place}/.[!.]*\n`).join('')

for (const boundary of BUILT)
  test(`${boundary}: two runs take sandboxes that waited, and see nothing of one another`, async (t) => {
    const why = boundary === 'microvm' ? machine : lack(boundary)
    if (why !== null) return t.skip(why)
    const glovebox = await Glovebox.start({ boundary, warm: { idleMs: 60_000 } })
    try {
      const policy = parsePolicy({
        version: 1,
        boundary,
        ...(boundary === 'microvm' ? { root: `image:${IMAGE}` } : {}),
        waive: SUITE_IS_ROOT ? [] : ['limits.memory'],
        lifetime: { deadline: '2m' },
      })
      await glovebox.keepWarm(policy, 2)
      for (const tenant of ['acme', 'other']) {
        const result = await glovebox.run(policy, ['sh', '-c', JOB, tenant], {
          tenant,
          stdin: Buffer.from(`for ${tenant}\n`),
        })
        assert.equal(result.report.sandbox?.warm, true, tenant)
        assert.deepEqual([result.reason, result.exitCode], ['exited', 7], result.message ?? '')
        assert.equal(result.text(), `${NOTHING}${tenant}\nfor ${tenant}\n`)
      }
    } finally {
      await glovebox.close()
    }
  })

test('how many may wait counts on all boundaries together', async (t) => {
  const why = lack('runc')
  if (why !== null) return t.skip(why)
  const waive = SUITE_IS_ROOT ? [] : ['limits.memory']
  const [here, there] = ['process', 'runc'].map((boundary) => parsePolicy({ version: 1, boundary, waive }))
  assert.ok(here !== undefined && there !== undefined)
  const glovebox = await Glovebox.start({ warm: { most: 2 } })
  try {
    await glovebox.keepWarm(here, 1)
    await glovebox.keepWarm(there, 1)
    await assert.rejects(glovebox.keepWarm(there, 2), { code: 'warm.tooMany' })
    await glovebox.keepWarm(here, 0)
    await glovebox.keepWarm(there, 2)
    const both = await Promise.all([1, 2].map(() => glovebox.run(there, ['true'])))
    assert.deepEqual(
      both.map(({ report }) => report.sandbox?.warm),
      [true, true],
    )
  } finally {
    await glovebox.close()
  }
})
