/** `glovebox verify` of a policy by a user, as its tests read it. */
import assert from 'node:assert/strict'
import type { Verification } from '../../src/proof/verify/index.js'
import { finished } from '../support/spawned.js'
import type { TestUser } from '../support/users.js'

/** Only to stop a hang. */
const HANG_MS = 300_000

export interface Verified {
  /** what is wrong, a line each; empty: it passed */
  readonly wrong: readonly string[]
  readonly ms: number
  /** ids of the probes that hold */
  readonly held: readonly string[]
  /** why others have nothing to show */
  readonly why: readonly string[]
}

/** `policy`: a built-in profile or a file; `null`: the default policy. */
export async function verified(
  user: TestUser,
  policy: string | null,
  flags: readonly string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Verified> {
  const named = policy === null ? [] : ['--policy', policy]
  const argv = user.as(user.cli(['verify', ...named, ...flags, '--json', '--quiet']))
  const began = Date.now()
  const { status, signal, stdout, stderr } = await finished(argv, {
    cwd: '/',
    env,
    timeout: HANG_MS,
    killSignal: 'SIGKILL',
  })
  if (stdout === '')
    return { wrong: [`ended by ${signal ?? status}: ${stderr}`], ms: Date.now() - began, held: [], why: [] }
  const { probes, passed, ms } = JSON.parse(stdout) as Verification
  const bad = probes.filter((probe) => probe.status === 'broken' || probe.status === 'controlFailed')
  const wrong = bad.map((probe) => `${probe.id}: ${probe.status}: ${probe.why.join('; ')}`)
  if (stderr !== '') wrong.push(stderr)
  if (wrong.length === 0) assert.deepEqual([status, passed], [0, true])
  const held = probes.filter((probe) => probe.status === 'holds').map(({ id }) => id)
  return { wrong, ms, held, why: probes.flatMap((probe) => probe.why) }
}
