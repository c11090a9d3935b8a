/** What `native/probe` tries: the same attempts inside a sandbox and, as their control, outside. */
import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { nativePrograms } from '../../src/boundary/index.js'
import { sharedFolder } from './checkout.js'
import { finished } from './spawned.js'
import { asEachUser, glovebox, SUITE_IS_ROOT, type TestUser } from './users.js'

/** What came of one attempt: `ok`, the name of the error, or of the signal that ended it. */
export interface Attempt {
  readonly result: string
  readonly detail: string
}

/** The program of `glovebox verify`, where each user may read it. */
export function attackProgram(): string {
  program ??= sharedCopy(nativePrograms().probe)
  return program
}

let program: string | null = null

function sharedCopy(file: string): string {
  const copy = join(sharedFolder(), 'attack')
  copyFileSync(file, copy)
  return copy
}

interface How {
  /** flags of `glovebox run`, before `--` */
  readonly flags?: readonly string[]
  /** shell words before the program that is started, as the suite's own user */
  readonly before?: string
  readonly cwd?: string
  /** a program inside that makes the attempts; absent: the job's own copy */
  readonly program?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Input files are plain data: the job itself makes a program of one, as a hostile one would. */
const UNPACK =
  'cat attack.in > attack && chmod 700 attack && rm attack.in && program=$1 && shift && exec $program "$@"'

export async function inside(user: TestUser, attempts: readonly string[], how: How = {}) {
  const { flags = [], before, program: given = '/job/attack', ...rest } = how
  const args = [
    'run',
    '--input',
    `${attackProgram()}:attack.in`,
    ...flags,
    '--',
    'sh',
    '-c',
    UNPACK,
    'sh',
    given,
    ...attempts,
  ]
  const { stdout, stderr, status } = await glovebox(user, args, {
    ...rest,
    ...(before === undefined ? {} : { before }),
  })
  assert.equal(status, 0, stderr)
  return read(stdout, attempts)
}

/** As the suite's own user, on the host. */
export async function outside(attempts: readonly string[], how: How = {}) {
  const { before, flags: _flags, program: _program, ...rest } = how
  const argv = [attackProgram(), ...attempts]
  const whole = before === undefined ? argv : ['/bin/sh', '-c', `${before}\nexec "$@"`, 'sh', ...argv]
  const { stdout, stderr, status } = await finished(whole, rest)
  assert.equal(status, 0, stderr)
  return read(stdout, attempts)
}

function read(stdout: string, attempts: readonly string[]): (attempt: string) => Attempt {
  const all = new Map<string, Attempt>()
  for (const line of stdout.split('\n').filter((text) => text !== '')) {
    const [name = '', result = '', detail = ''] = line.split('\t')
    assert.notEqual(result, 'UNKNOWN', `${name} is no attempt`)
    all.set(name, { result, detail: detail.trim() })
  }
  for (const attempt of attempts) assert.ok(all.has(attempt), `${attempt} was not made: ${stdout}`)
  return (attempt) => all.get(attempt) ?? assert.fail(attempt)
}

type Look = (attempt: string) => Attempt

/** One thing that no job sees or can do, and the same look from outside, which must see it. */
export interface Promised {
  readonly name: string
  readonly inside: readonly string[]
  readonly outside: readonly string[]
  holds(look: Look, user: TestUser): void
  /** outside the same attempt succeeds, or the one inside proves nothing */
  control(look: Look): void
  /** only root can make the control's attempts */
  readonly rootControl?: boolean
  /** why the promise does not apply to this user */
  skipFor?(user: TestUser): string | null
}

/** Every attempt is refused inside and succeeds outside. */
export function refused(
  name: string,
  attempts: readonly string[],
  more: Partial<Promised> & { readonly with?: readonly string[] } = {},
): Promised {
  const { with: results, ...rest } = more
  const outsideAttempts = rest.outside ?? attempts
  return {
    name,
    inside: attempts,
    outside: outsideAttempts,
    holds(look) {
      for (const attempt of attempts) {
        assert.notEqual(look(attempt).result, 'ok', `${attempt} succeeded: ${look(attempt).detail}`)
        if (results !== undefined)
          assert.ok(results.includes(look(attempt).result), `${attempt}: ${look(attempt).result}`)
      }
    },
    control(look) {
      for (const attempt of outsideAttempts)
        assert.equal(look(attempt).result, 'ok', `${attempt} fails on the host too`)
    },
    ...rest,
  }
}

/**
 * Those of the attempts that the kernel of this host has at all: it may have been built without netfilter or modules, and
 * then no control can succeed. The others are named in one test that is skipped.
 */
export async function thoseOfThisKernel(attempts: readonly string[]): Promise<string[]> {
  const look = await outside(attempts)
  const absent = attempts.filter((each) => ABSENT.includes(look(each).result))
  if (absent.length > 0)
    test(`refused too: ${absent.join(' ')}`, {
      skip: 'this host’s own kernel has no such thing, so there is no control',
    })
  return attempts.filter((each) => !absent.includes(each))
}

const ABSENT: readonly string[] = ['ENOSYS', 'EAFNOSUPPORT', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT']

/** All attempts of a file are made in one sandbox a user, and once outside; each promise is a test of its own. */
export function promises(how: How, list: () => readonly Promised[]): void {
  const all = list()
  const once = <Key, Value>(make: (key: Key) => Promise<Value>) => {
    const made = new Map<Key, Promise<Value>>()
    return (key: Key) => {
      const value = made.get(key) ?? make(key)
      made.set(key, value)
      return value
    }
  }
  const inSandbox = once((user: TestUser) =>
    inside(user, [...new Set(all.flatMap((each) => each.inside))], how),
  )
  const onHost = once((_: 'host') =>
    outside([...new Set(all.filter(possible).flatMap((each) => each.outside))], how),
  )
  for (const each of all)
    asEachUser(
      each.name,
      async (user) => {
        each.control(await onHost('host'))
        each.holds(await inSandbox(user), user)
      },
      (user) => (possible(each) ? (each.skipFor?.(user) ?? null) : 'its control outside needs root'),
    )
}

const possible = (each: Promised) => SUITE_IS_ROOT || each.rootControl !== true
