/**
 * A program of its own, see `supervise.ts`: runs what it is told to in sandboxes, and waits to be killed. It ends with who
 * started it.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { nativePrograms } from '../../boundary/index.js'
import { hostFor, PlanRunner } from '../../sandbox/index.js'
import type { Supervised } from './supervise.js'

/** A start takes 20 to 30 ms: of several so far apart, each is at another step of it. */
const APART_MS = 5

process.once('disconnect', () => process.exit())
process.once('message', async (task) => {
  const { plan, path, word, sandboxes, secrets, without, machines } = task as Supervised
  const found = await hostFor(plan.boundary)
  const host = machines === null ? found : { ...found, machines: () => machines }
  const runner = new PlanRunner(host, plan, without === null ? {} : { without })
  const content = [readFileSync(nativePrograms().probe)]
  process.send?.('launching')
  for (let count = 0; count < sandboxes; count++) {
    runner.run(plan, [path, word], { secrets, inputs: [{ path, mode: 0o755, content }] }).catch(() => {})
    await after(APART_MS)
  }
})
