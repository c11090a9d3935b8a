/** The policies of examples/policies, where every user can read them, and what each of them forbids. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inside } from '../support/attack.js'
import { ROOT, sharedFolder } from '../support/checkout.js'
import type { Finished } from '../support/spawned.js'
import { type asEachUser, glovebox, type TestUser, USERS } from '../support/users.js'

const folder = sharedFolder()
cpSync(join(ROOT, 'examples/policies'), folder, { recursive: true })

export const policyFile = (name: string): string => join(folder, `${name}.yaml`)

/** A policy of this test's own. */
export function writtenPolicy(name: string, policy: object): string {
  writeFileSync(policyFile(name), JSON.stringify(policy))
  return policyFile(name)
}

/** `glovebox run --policy NAME FLAGS -- COMMAND`. */
export function under(
  user: TestUser,
  name: string,
  command: readonly string[],
  more: { readonly flags?: readonly string[]; readonly input?: string | Uint8Array } = {},
): Promise<Finished> {
  const { flags = [], input } = more
  const args = ['run', '--policy', policyFile(name), ...flags, '--', ...command]
  return glovebox(user, args, {
    ...(input === undefined ? {} : { input }),
    timeout: 120_000,
    killSignal: 'SIGKILL',
  })
}

/** What these policies say hangs on being root or not, and not on control groups. */
export function forRootAndOrdinary(
  name: string,
  body: Parameters<typeof asEachUser>[1],
  wanted: () => string | null = () => null,
): void {
  for (const user of USERS.slice(0, 2))
    test(`${name} (started by ${user.name})`, { skip: user.skip ?? wanted() ?? false }, (t) => body(user, t))
}

/** A job with the real program; skipped where that is not installed. */
export function withProgram(path: string, name: string, body: Parameters<typeof asEachUser>[1]): void {
  forRootAndOrdinary(name, body, () => (existsSync(path) ? null : `${path} is not installed`))
}

const FORBIDDEN = [
  'create,/usr',
  'create,/etc',
  'create,/',
  'write,/usr/bin/env',
  'write,/etc/passwd',
  'there,/root',
  'there,/home',
  'there,/etc/shadow',
  'socket,2,1,0',
  'socket,2,2,0',
  'socket,10,1,0',
  'socket,16,3,0',
  'connect,127.0.0.1,22',
  'ptrace,1',
  'peek,1',
  'read,/proc/1/environ',
  'unshare,10000000',
  'mount,/tmp',
]

/** What no example grants: to write outside scratch, to see the host's data, a socket, another process. */
export async function forbids(user: TestUser, name: string, openFiles: number): Promise<void> {
  const look = await inside(user, [...FORBIDDEN, 'pids', 'rlimit,7', 'rlimit,4'], {
    // the program that attacks takes a MiB, twice while it is unpacked
    flags: ['--policy', policyFile(name), '--scratch', '4MiB'],
    program: './attack',
  })
  for (const each of FORBIDDEN) assert.notEqual(look(each).result, 'ok', each)
  const seen = look('pids').detail.split(' ')
  assert.ok(seen.length <= 4, `more than pid 1, the shell and the two of the attempt: ${seen}`)
  assert.equal(look('rlimit,7').detail, `${openFiles}`)
  assert.equal(look('rlimit,4').detail, '1')
}
