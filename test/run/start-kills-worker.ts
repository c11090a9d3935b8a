/**
 * Starts of which each one's bubblewrap is killed at some moment, and starts cancelled at some moment, in a process of its own.
 * Prints the reasons, and what still descends from this process when all of them are over.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Glovebox, LaunchError, parsePolicy } from '../../src/index.js'
import { hostOf } from '../../src/sandbox/index.js'
import { family, textOf } from './tools.js'

const KILLS = 40
const CANCELS = 60
const AT_ONCE = 4

const waive = hostOf().cgroups.controllers.includes('memory') ? [] : ['limits.memory']
/** Behind a gate a start has more moments: who asks may wait for an answer that never comes. */
const policies = [{}, { syscalls: { profile: 'compute', lock: 'sealed' } }].map((more) =>
  parsePolicy({ version: 1, waive, ...more }),
)
const next = (count: number) => policies[(count >> 1) % policies.length] ?? policies[0]!
const reasons = new Set<string>()

async function reasonOf(run: Promise<{ reason: string }>): Promise<void> {
  try {
    reasons.add((await run).reason)
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error
    reasons.add('not started')
  }
}

/** The launcher's children that are bubblewrap by now. */
const bubblewraps = () => family(process.pid).filter((pid) => textOf(pid, 'comm') === 'bwrap\n')

const glovebox = await Glovebox.start()
for (let count = 0; count < KILLS; count++) {
  const run = reasonOf(glovebox.run(next(count), ['sleep', '30']))
  while (bubblewraps().length === 0) await sleep(0)
  if (count % 2 === 1) await sleep((count * 7) % 12)
  const [first] = bubblewraps()
  if (first !== undefined) process.kill(first, 'SIGKILL')
  await run
}
let cancelled = 0
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (cancelled < CANCELS) {
      const cancel = new AbortController()
      const turn = cancelled++
      setTimeout(() => cancel.abort(), (turn * 7) % 60)
      await reasonOf(glovebox.run(next(turn), ['sleep', '30'], { signal: cancel.signal }))
    }
  }),
)
let left = family(process.pid).slice(1)
for (let tries = 0; tries < 300 && left.length > 2; tries++) {
  await sleep(10)
  left = family(process.pid).slice(1)
}
const commands = left.map((pid) => textOf(pid, 'comm').trim())
await glovebox.close()
process.stdout.write(JSON.stringify({ reasons: [...reasons].sort(), commands }))
