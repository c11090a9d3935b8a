/**
 * Two tenants of one Glovebox, one of them hostile: whatever it leaves wherever it may, and keeps alive meanwhile, is not there for the other, neither
 * beside it nor after it. In its own sandbox it finds it: that is the control. `verify` has the same attempts for two jobs of nobody (`next.*`).
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { nativePrograms } from '../../src/boundary/index.js'
import { Glovebox, parsePolicy } from '../../src/index.js'
import { sharedFolder } from '../support/checkout.js'
import { image, machineArchive, noMachine } from '../support/machine-image.js'
import { SUITE_IS_ROOT } from '../support/users.js'
import { BUILT, withBoundaries } from './tools.js'

const lack = withBoundaries()
const IMAGE = `glovebox-tenants-test-${process.pid}`
const machine = SUITE_IS_ROOT ? noMachine() : 'its image is in root’s store'
const folder = sharedFolder()

before(() => {
  copyFileSync(nativePrograms().probe, join(folder, 'probe'))
  chmodSync(join(folder, 'probe'), 0o755)
  if (machine === null) image('import', machineArchive(sharedFolder(), ['sh', 'cat', 'tr']), IMAGE)
})
after(() => {
  if (machine === null) image('rm', IMAGE)
})

const marksOf = (word: string) => [
  ...['/tmp', '/dev/shm', '/job', '/var/tmp'].map((place) => `file,${word},${place}`),
  ...['shm', 'sem', 'queue', 'key'].map((kind) => `${kind},${word}`),
]

/** Leaves all, finds it, keeps a daemon, and stays until its input ends. */
const HOSTILE = `
/opt/own/probe $(for mark in $1; do echo leave,$mark; done) leave-daemon,$0
/opt/own/probe $(for mark in $1; do echo find,$mark; done)
for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$file; done
echo; echo stays; cat`

/** Of other processes' arguments: the word is in none of this job's. */
const LOOK = `for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$file; done; echo /tmp/* /tmp/.[!.]* /dev/shm/* /dev/shm/.[!.]*`

for (const boundary of BUILT)
  test(`${boundary}: nothing of a hostile tenant is there for another, beside it or after it`, async (t) => {
    const why = boundary === 'microvm' ? machine : lack(boundary)
    if (why !== null) return t.skip(why)
    const word = randomBytes(8).toString('hex').replace(/^./, '1')
    const marks = marksOf(word)
    const policy = parsePolicy({
      version: 1,
      boundary,
      ...(boundary === 'microvm' ? { root: `image:${IMAGE}` } : {}),
      files: { read: [`${folder}:/opt/own`] },
      waive: SUITE_IS_ROOT ? [] : ['limits.memory'],
      lifetime: { deadline: '1m' },
    })
    // a machine with read grants is never kept
    const glovebox = await Glovebox.start({ boundary, warm: boundary !== 'microvm' })
    const quiet = async (when: string) => {
      const finds = marks.map((mark) => `find,${mark}`)
      const found = await glovebox.run(policy, ['/opt/own/probe', ...finds], { tenant: 'quiet' })
      const lines = found.text().trimEnd().split('\n')
      assert.equal(lines.length, finds.length, `${found.message} ${found.text()}`)
      assert.deepEqual(
        lines.filter((line) => line.split('\t')[1] === 'ok'),
        [],
        when,
      )
      const seen = await glovebox.run(policy, ['sh', '-c', LOOK], { tenant: 'quiet' })
      assert.ok(seen.text().includes('sh -c'), `it looked: ${seen.text()}`)
      assert.ok(!seen.text().includes(word), `${when}: ${seen.text()}`)
    }
    try {
      let end = () => {}
      const input = new Promise<void>((resolve) => {
        end = resolve
      })
      const hostile = glovebox.run(policy, ['sh', '-c', HOSTILE, word, marks.join(' ')], {
        tenant: 'hostile',
        // biome-ignore lint/correctness/useYield: it has nothing to say, and ends when it is told
        stdin: (async function* () {
          await input
        })(),
      })
      const told = new Promise<void>((resolve, reject) => {
        let said = ''
        hostile.stdout.on('data', (part) => {
          said += part
          if (said.includes('stays\n')) resolve()
        })
        hostile.then(({ message }) => reject(new Error(`it ended: ${message} ${said}`)), reject)
      })
      await told
      await quiet('beside it')
      end()
      const { stdout } = await hostile
      const own = Buffer.from(stdout).toString()
      for (const mark of ['file', 'shm', 'sem'])
        assert.match(
          own,
          new RegExp(`^find,${mark},${word}[^\\t]*\\tok`, 'm'),
          `it finds its own ${mark}: ${own}`,
        )
      assert.ok(own.includes(`leave-daemon,${word}`), `it sees its own processes: ${own}`)
      await quiet('after it')
    } finally {
      await glovebox.close()
    }
  })
