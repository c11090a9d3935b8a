/** A job's attempts in a sandbox with a network, under the smallest gateway there is; see box.ts and attempts.py. */
import assert from 'node:assert/strict'
import { cpSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import type { TestUser } from '../support/users.js'
import type { Asked, Seen } from './box.js'

const PROGRAM = readFileSync(join(ROOT, 'test/network-namespace/attempts.py'), 'utf8')
const BOX = 'dist/test/network-namespace/box.js'

export interface Result {
  readonly result: string
  readonly detail: string
}

export type Look = (attempt: string) => Result

/** The attempts, made in one sandbox that this user starts. */
export async function inside(
  user: TestUser,
  attempts: readonly string[],
  how: Omit<Asked, 'argv'> = {},
): Promise<Seen & { readonly look: Look }> {
  const seen = await boxed(user, { ...how, argv: ['python3', '-c', PROGRAM, ...attempts] })
  return { ...seen, look: read(seen.stdout, attempts, seen.stderr) }
}

/** As the suite's own user, on the host: to loopback only. */
export async function outside(attempts: readonly string[]): Promise<Look> {
  const { stdout, stderr } = await finished(['/usr/bin/python3', '-c', PROGRAM, ...attempts], {})
  return read(stdout, attempts, stderr)
}

export async function boxed(user: TestUser, asked: Asked): Promise<Seen> {
  const [node = '', cli = ''] = user.cli(['run'])
  const root = dirname(dirname(cli))
  if (root !== ROOT) cpSync(join(ROOT, BOX), join(root, BOX))
  const waive = user.noMemoryLimit === null ? [] : (['limits.memory'] as const)
  const argv = user.as([node, join(root, BOX), JSON.stringify({ waive, ...asked })])
  const { stdout, stderr, status } = await finished(argv, {
    cwd: '/',
    timeout: 120_000,
    killSignal: 'SIGKILL',
  })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}

/** What attempts.py printed. */
export function read(stdout: string, attempts: readonly string[], stderr: string): Look {
  const all = new Map<string, Result>()
  for (const line of stdout.split('\n')) {
    const [name = '', result = '', detail = ''] = line.split('\t')
    all.set(name, { result, detail })
  }
  for (const attempt of attempts) assert.ok(all.has(attempt), `${attempt} was not made: ${stdout} ${stderr}`)
  return (attempt) => all.get(attempt) ?? assert.fail(attempt)
}
