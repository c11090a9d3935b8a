/** A sandbox that is kept for the next job, where what it stands on fails in the moments between two. */
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningSandbox } from '../../src/boundary/index.js'
import { parsePolicy } from '../../src/index.js'
import { explainPlan } from '../../src/sandbox/index.js'
import { NEVER_LAUNCHED } from '../../src/sandbox/never-launched.js'
import { KeptSandbox } from '../../src/sandbox/reuse/kept.js'

const SLOW_MS = 50

/** Its command has ended, and it can't be made ready for another; to say so takes it a while, and its end, too. */
function failing(onGone: () => void): RunningSandbox {
  return {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    network: [],
    run: async () => {},
    commandEnd: Promise.resolve({ kind: 'exited', code: 0, cpuMs: 0 }),
    signal: () => {},
    resize: () => {},
    async *collect() {},
    async end() {
      await sleep(SLOW_MS)
      onGone()
      return NEVER_LAUNCHED
    },
    reusable: {
      used: async () => NEVER_LAUNCHED,
      write: async () => {},
      async again() {
        await sleep(SLOW_MS)
        throw new Error('it does not answer')
      },
    },
  }
}

test('who ends it while it is made ready for another job waits until it is gone, though it never is ready', async () => {
  const { plan } = explainPlan(
    parsePolicy({ version: 1, lifetime: { reuse: { within: 'tenant', runs: 5, age: '5m' } } }),
  )
  const { reuse } = plan.lifetime
  assert.ok(reuse !== null)
  let isGone = false
  const sandbox = failing(() => {
    isGone = true
  })
  const kept = new KeptSandbox({
    plan,
    reuse,
    launch: async () => ({ sandbox, network: null }),
    nowMs: () => 0,
  })
  const taken = await kept.take()
  await taken.sandbox.commandEnd
  await taken.sandbox.end()
  assert.equal(isGone, false, 'it is made ready')
  await kept.end('asked')
  assert.equal(isGone, true)
  await assert.rejects(kept.take(), { code: 'launch.over' })
})
