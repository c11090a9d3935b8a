/**
 * Who starts Glovebox: root, and an ordinary user with and without control groups of its own. A suite that runs as
 * root runs as each of them; one that runs as an ordinary user runs as that.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { hostOf } from '../../src/sandbox/index.js'
import { ON_BOUNDARY, ON_IT, TESTED_BOUNDARY } from './boundary.js'
import { neededPackages, ROOT, sharedFolder } from './checkout.js'
import { delegatedTo } from './delegated.js'
import { type Finished, finished } from './spawned.js'

/** `nobody`, who owns nothing. */
const ORDINARY = 65534

export interface TestUser {
  readonly name: string
  readonly isRoot: boolean
  /** why limits.memory can't be held for this user; then the policy waives it */
  readonly noMemoryLimit: string | null
  /** why nothing can be run as this user */
  readonly skip: string | null
  /** an argv that runs as this user; `before`: shell words that come first, as the suite's own user */
  as(argv: readonly string[], before?: string): string[]
  /** where what was built lies, for this user to read */
  checkout(): string
  /** the command line's argv, with the waivers that this user needs */
  cli(args: readonly string[]): string[]
}

export const SUITE_IS_ROOT = process.geteuid?.() === 0

const HOST = hostOf()
const NOT_HERE =
  HOST.bubblewrap === null
    ? 'bubblewrap is not installed'
    : HOST.userNamespacesRefused === ''
      ? null
      : HOST.userNamespacesRefused

/** The users that this suite can be. */
export const USERS: readonly TestUser[] = SUITE_IS_ROOT
  ? [self('root'), ordinary('an ordinary user', false), ordinary('an ordinary user with cgroups', true)]
  : [self('this user')]

/** One test a user. A user that can't be had is skipped, and says why. */
export function asEachUser(
  name: string,
  body: (user: TestUser, t: TestContext) => Promise<void> | void,
  wanted: (user: TestUser) => string | null = () => null,
): void {
  for (const user of USERS)
    test(
      `${name} (started by ${user.name}${ON_BOUNDARY})`,
      { skip: user.skip ?? wanted(user) ?? false },
      (t) => body(user, t),
    )
}

/** The same without the user who has cgroups, which a network does not know of. */
export const asEachNetworkUser: typeof asEachUser = (name, body, wanted) => {
  for (const user of USERS.slice(0, 2))
    test(
      `${name} (started by ${user.name}${ON_BOUNDARY})`,
      { skip: user.skip ?? wanted?.(user) ?? false },
      (t) => body(user, t),
    )
}

/** For `asEachUser`: a test of the memory limit says where there is none to test. */
export const needsMemoryLimit = (user: TestUser): string | null =>
  user.noMemoryLimit === null ? null : `limits.memory can't be held for ${user.name}: ${user.noMemoryLimit}`

/** `glovebox ARGS` as this user. */
export function glovebox(
  user: TestUser,
  args: readonly string[],
  options: Parameters<typeof finished>[1] & { readonly before?: string } = {},
): Promise<Finished> {
  const { before, ...rest } = options
  return finished(user.as(user.cli(args), before), { cwd: '/', ...rest })
}

function waivers(noMemoryLimit: string | null, args: readonly string[]): string[] {
  const [command = '', ...rest] = args
  const boundary = command === 'run' ? ON_IT : []
  return [command, ...boundary, ...(noMemoryLimit === null ? [] : ['--waive', 'limits.memory']), ...rest]
}

function shelled(before: string | undefined, argv: readonly string[]): string[] {
  return before === undefined ? [...argv] : ['/bin/sh', '-c', `${before}\nexec "$@"`, 'sh', ...argv]
}

function self(name: string): TestUser {
  const { controllers, missing } = HOST.cgroups
  const noMemoryLimit = controllers.includes('memory') ? null : missing
  return {
    name,
    isRoot: SUITE_IS_ROOT,
    noMemoryLimit,
    skip: NOT_HERE,
    as: (argv, before) => shelled(before, argv),
    checkout: () => ROOT,
    cli: (args) => [process.execPath, join(ROOT, 'bin/glovebox'), ...waivers(noMemoryLimit, args)],
  }
}

let copied: string | null = null

/** The checkout may lie where no one else can read: a copy of what runs, for everybody. */
function copyForEverybody(): string {
  if (copied !== null) return copied
  copied = sharedFolder()
  for (const part of [
    'bin',
    'dist/cli',
    'dist/gateway',
    'dist/native',
    'dist/src',
    'dist/bench',
    'dist/test/chaos',
    'policies',
    'package.json',
  ])
    cpSync(join(ROOT, part), join(copied, part), { recursive: true })
  for (const name of neededPackages())
    cpSync(join(ROOT, 'node_modules', name), join(copied, 'node_modules', name), { recursive: true })
  return copied
}

let subids: string | null = null

/** As whoever adds a user to a machine gives them: seen by what is started here alone. */
function subordinateIds(): string[] {
  if (TESTED_BOUNDARY === 'process') return []
  // once: a run that begins beside this one may be reading it
  if (subids === null) {
    subids = join(sharedFolder(), 'subids')
    writeFileSync(subids, `${ORDINARY}:1200000000:65536\n`, { mode: 0o644 })
  }
  const file = subids
  const covered = `mount --bind ${file} /etc/subuid && mount --bind ${file} /etc/subgid && exec "$@"`
  return ['/usr/bin/unshare', '--mount', '/bin/sh', '-c', covered, 'sh']
}

/** Of suites that are not about images. */
function noStore(): string | null {
  return TESTED_BOUNDARY === 'microvm'
    ? 'an ordinary user has no store of images here: virtual machines of one are in test/microvm'
    : null
}

function ordinary(name: string, withCgroups: boolean): TestUser {
  const drop = ['/usr/bin/setpriv', `--reuid=${ORDINARY}`, `--regid=${ORDINARY}`, '--clear-groups']
  const skip = NOT_HERE ?? noStore() ?? whyNotOrdinary(drop)
  const groups = withCgroups && skip === null ? delegatedTo(ORDINARY) : 'none was handed to this user'
  const join_ = typeof groups === 'string' ? '' : groups.procs.map((file) => `echo 0 > ${file}`).join('\n')
  const noMemoryLimit = typeof groups === 'string' ? groups : null
  return {
    name,
    isRoot: false,
    noMemoryLimit,
    skip: skip ?? (withCgroups && typeof groups === 'string' ? groups : null),
    as: (argv, before = '') => shelled(`${join_}\n${before}`, [...subordinateIds(), ...drop, ...argv]),
    checkout: copyForEverybody,
    cli: (args) => [
      process.execPath,
      join(copyForEverybody(), 'bin/glovebox'),
      ...waivers(noMemoryLimit, args),
    ],
  }
}

function whyNotOrdinary(drop: readonly string[]): string | null {
  if (!existsSync('/usr/bin/setpriv')) return 'setpriv (util-linux) is not installed'
  const [file = '', ...args] = [...drop, process.execPath, '--version']
  const tried = spawnSync(file, args, { cwd: '/', encoding: 'utf8' })
  return tried.status === 0 ? null : `Node (${process.execPath}) can't be run by an ordinary user`
}
