/** On every boundary several commands can run in one sandbox, one after another: what goes over is files alone, and to one tenant alone. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Glovebox, parsePolicy, type RunResult } from '../../src/index.js'
import { sharedFolder } from '../support/checkout.js'
import { image, machineArchive, noMachine } from '../support/machine-image.js'
import { SUITE_IS_ROOT } from '../support/users.js'
import { BUILT, withBoundaries } from './tools.js'

const lack = withBoundaries()
const IMAGE = `glovebox-reused-test-${process.pid}`
const machine = SUITE_IS_ROOT ? noMachine() : 'its image is in root’s store'
const PROGRAMS = ['sh', 'ls', 'cat', 'tee', 'sleep', 'head', 'mkdir', 'chmod', 'wc']

before(() => {
  if (machine === null) image('import', machineArchive(sharedFolder(), PROGRAMS), IMAGE)
})
after(() => {
  if (machine === null) image('rm', IMAGE)
})

const which = ({ report }: RunResult) => [report.sandbox?.run, report.sandbox?.of]
const said = (result: RunResult) => `${result.text()}${Buffer.from(result.stderr)}${result.message ?? ''}`

/** What it finds of who was there before; then it leaves what it can. */
const LEAVES = `
ls -A /tmp /dev/shm /job
set -- /proc/[0-9]*; echo $#
echo x | tee /tmp/x /dev/shm/.x /job/x > /dev/null
mkdir -p /tmp/d/e; chmod 0 /tmp/d
sleep 1000 &`

for (const boundary of BUILT)
  test(`${boundary}: commands run one after another in one sandbox, of one tenant`, async (t) => {
    const why = boundary === 'microvm' ? machine : lack(boundary)
    if (why !== null) return t.skip(why)
    const policyOf = (lifetime: object) =>
      parsePolicy({
        version: 1,
        boundary,
        ...(boundary === 'microvm' ? { root: `image:${IMAGE}` } : {}),
        waive: SUITE_IS_ROOT ? [] : ['limits.memory'],
        lifetime: { deadline: '2m', ...lifetime },
      })
    const glovebox = await Glovebox.start({ boundary })
    try {
      const session = await glovebox.session(policyOf({}), { tenant: 'acme' })
      const shell = (script: string, options = {}) => session.run(['sh', '-c', script], options)
      const first = await shell('echo kept > file; sleep 1000 & exit 7')
      assert.deepEqual([first.exitCode, ...which(first)], [7, 1, 100], said(first))
      const second = await shell('cat file; cat', { stdin: Buffer.alloc(400_000, 'y') })
      assert.deepEqual([second.stdout.length, ...which(second)], [400_005, 2, 100])
      await session.writeFile('in/a', 'put in')
      const outputs = await shell('cat in/a; echo out > out', { outputs: ['out'] })
      assert.equal(outputs.text(), 'put in')
      assert.equal(Buffer.from(outputs.outputs.out ?? []).toString(), 'out\n', said(outputs))
      assert.equal(Buffer.from(await session.readFile('out')).toString(), 'out\n')
      await session.close()

      const reused = policyOf({ reuse: { within: 'tenant', runs: 3 } })
      const texts = new Set<string>()
      const turns: unknown[] = []
      for (const tenant of ['a', 'a', 'b', 'a']) {
        const result = await glovebox.run(reused, ['sh', '-c', LEAVES], { tenant })
        assert.equal(result.exitCode, 0, said(result))
        texts.add(result.text())
        turns.push(which(result))
      }
      // a container of an engine's whose root is a folder would be made for each
      assert.deepEqual(turns, [
        [1, 3],
        [2, 3],
        [1, 3],
        [3, 3],
      ])
      assert.equal(texts.size, 1, [...texts].join('---'))
    } finally {
      await glovebox.close()
    }
  })
