/** Until it is told to start, runc's own first process waits for that without end, and dies with nobody. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { boundaryNamed } from '../../src/boundary/index.js'
import { hostFor } from '../../src/sandbox/index.js'
import { family, marker, started, textOf } from '../run/tools.js'
import { kill, processesLeft, type Seen, settled, since } from '../support/left.js'
import { asEachUser } from '../support/users.js'

const STARTS = 6
const lack = boundaryNamed('runc')?.unavailable(await hostFor('runc'))?.what ?? null

asEachUser(
  `a launcher that is killed while runc starts a container, ${STARTS} times: nobody waits for ever`,
  async (user) => {
    let met = 0
    for (let count = 0; count < STARTS; count++) {
      const mark = marker()
      const run = started(user, ['run', '--', 'sleep', mark])
      let all: number[] = []
      const waits = () => all.some((pid) => textOf(pid, 'cmdline') === 'runc\0init\0')
      for (let tries = 0; tries < 2_000 && !waits() && run.child.exitCode === null; tries++) {
        await sleep(2)
        all = family(run.pid)
      }
      // of several moments one is between its being made and its being told
      await sleep(count * 4)
      all = family(run.pid)
      const launcher = all.find((pid) => textOf(pid, 'comm') === 'cell\n')
      const seen = all.map((pid): Seen => [pid, since(pid)])
      if (waits() && launcher !== undefined) met++
      kill(launcher ?? run.pid)
      const { stderr } = await run.ended
      await settled(() => processesLeft(seen, mark), 200)
      assert.deepEqual(processesLeft(seen, mark), [], `start ${count}: ${stderr}`)
    }
    assert.ok(met > 0, 'no launcher was killed while runc started a container')
  },
  () => lack,
)
