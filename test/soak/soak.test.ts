/**
 * A few hundred jobs of all kinds and endings by one Glovebox, warm and cold, of two tenants: what there is of it afterwards is what there was
 * before. `npm run soak` has fifty thousand, and looks at memory and times.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { complaintsOf, type Soak } from '../../bench/soak/soak.js'
import { EQUAL, linesOf, MEMORY } from '../../bench/soak/verdict.js'
import { HANG } from '../run/tools.js'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachUser } from '../support/users.js'

const JOBS = 180

asEachUser(`after ${JOBS} jobs of all kinds there is no more of anything than before`, async (user, t) => {
  const home = testFolder(t, 0o777)
  const env = { ...process.env, HOME: home, TMPDIR: home }
  const program = join(user.checkout(), 'dist/bench/soak/main.js')
  const argv = [process.execPath, program, `${JOBS}`, '--warm', '--width', '4', '--json']
  const { stdout, stderr } = await finished(user.as(argv), { cwd: '/', env, ...HANG, timeout: 300_000 })
  assert.ok(stdout.startsWith('{'), stderr)
  const soaked = JSON.parse(stdout) as Soak
  assert.ok(
    soaked.kinds.some(({ name }) => name.startsWith('network')),
    stdout,
  )
  assert.ok((soaked.counts.find(({ name }) => name === 'processes: cell')?.first ?? 0) > 0, stdout)
  // of so few jobs memory says nothing
  assert.deepEqual(complaintsOf({ ...soaked, memory: [] }), [], stderr)
})

test('a count that grows by one is not flat, nor is memory that grows by a fifth', () => {
  const grows = Array.from({ length: 8 }, (_, at) => ({ pipe: 3, socket: at < 6 ? 4 : 5 }))
  assert.deepEqual(
    linesOf(grows, EQUAL).map(({ name, flat }) => [name, flat]),
    [
      ['pipe', true],
      ['socket', false],
    ],
  )
  const heap = (mebibytes: number) => ({ heap: mebibytes * 1024 ** 2 })
  assert.equal(linesOf([heap(100), heap(100), heap(100), heap(120)], MEMORY)[0]?.flat, false)
  assert.equal(linesOf([heap(100), heap(100), heap(130), heap(108)], MEMORY)[0]?.flat, true)
  const heaps = (...all: number[]) => linesOf(all.map(heap), MEMORY)[0]?.flat
  assert.equal(heaps(60, 80, 87, 88, 87, 88, 89, 88), true, 'it has grown to its size')
  assert.equal(heaps(60, 65, 70, 75, 80, 85, 90, 95), false, 'a leak goes on')
  const appears = [{}, {}, {}, { 'namespaces: net': 1 }]
  assert.equal(linesOf(appears, EQUAL)[0]?.flat, false)
})
