/** Runs by the library, as the suite's own user. */
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { Glovebox, type RunOptions, type RunResult } from '../../src/index.js'
import { parse } from '../policy/harness.js'
import { USERS } from './users.js'

const [SELF] = USERS

/** Why nothing can be run here; `false`: it can. */
export const SKIP: string | false = SELF?.skip ?? false

let started: Promise<Glovebox> | null = null

/** One for all tests of a file. */
export function theGlovebox(): Promise<Glovebox> {
  started ??= Glovebox.start()
  return started
}

after(async () => {
  if (started !== null) await (await started).close()
})

/** Runs under a policy that gives what `policy` says, with the waivers that this host needs. */
export async function box(
  argv: readonly string[],
  options: RunOptions = {},
  policy: Readonly<Record<string, unknown>> = {},
): Promise<RunResult> {
  const waive = SELF?.noMemoryLimit === null ? [] : ['limits.memory']
  return (await theGlovebox()).run(parse({ version: 1, waive, ...policy }), argv, options)
}

/** The shell's words, in `/job`. */
export const sh = (script: string): string[] => ['sh', '-c', script]

export const py = (script: string): string[] => ['python3', '-c', script]

/** It ran, and nothing of what it left was taken. */
export function assertRefused(result: RunResult, why: RegExp): void {
  assert.equal(result.reason, 'rejected', `${result.reason}: ${result.message} ${Buffer.from(result.stderr)}`)
  assert.match(result.message ?? '', why)
  assert.deepEqual(Object.keys(result.outputs), [])
  assert.deepEqual(result.report.outputs, [])
}
