/** Runs workers, of this folder or another, as each user, once for all tests of a file. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { finished } from '../support/spawned.js'
import { asEachNetworkUser, type TestUser, USERS } from '../support/users.js'

/** `before`: shell words that come first, as the suite's own user */
export interface Stage {
  readonly worker: string
  readonly scenarios?: readonly string[]
  readonly before?: string
}

/** What a worker of this folder prints when it plays. */
export async function onStage(user: TestUser, { worker, scenarios = [], before }: Stage): Promise<unknown> {
  const argv = user.as([process.execPath, workerFile(worker), ...scenarios], before)
  const { stdout, stderr, status } = await finished(argv, {
    cwd: '/',
    timeout: 120_000,
    killSignal: 'SIGKILL',
  })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}

export const workerFile = (name: string) => fileURLToPath(new URL(`${name}.js`, import.meta.url))

/** `holds(name, scenario, look)`: one test a user of what came of a scenario. All are played at once, as soon as the file is loaded. */
export function stage(worker: string, scenarios: readonly string[] = []) {
  const plays = new Map<TestUser, Promise<Record<string, unknown>>>()
  for (const user of USERS.slice(0, 2)) {
    if (user.skip !== null) continue
    const play = onStage(user, { worker, scenarios }) as Promise<Record<string, unknown>>
    play.catch(() => {}) // told by each test
    plays.set(user, play)
  }
  return <T>(name: string, scenario: string, look: (seen: T) => void) =>
    asEachNetworkUser(name, async (user, t) => {
      if (!(await readable(user, worker, t))) return
      const { [scenario]: seen } = (await plays.get(user)) ?? {}
      const { thrown } = (seen ?? { thrown: `no scenario ${scenario}` }) as { thrown?: string }
      assert.equal(thrown, undefined)
      look(seen as T)
    })
}

/** A checkout in a folder of root's own can be run by nobody else. */
export async function readable(user: TestUser, worker: string, t: TestContext): Promise<boolean> {
  const { status } = await finished(user.as(['test', '-r', workerFile(worker)]), { cwd: '/' })
  if (status !== 0) t.skip(`${user.name} can't read this checkout`)
  return status === 0
}
