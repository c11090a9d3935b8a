/** The command line with a store of the test's own: nothing of this machine's images is seen or left. */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { testFolder } from '../support/checkout.js'
import { type Finished, finished } from '../support/spawned.js'
import { SUITE_IS_ROOT, type TestUser, USERS } from '../support/users.js'

const MISSING = ['/usr/bin/umoci', '/usr/bin/skopeo', '/usr/bin/flock'].find((path) => !existsSync(path))
export const NO_TOOLS = () => (MISSING === undefined ? null : `${MISSING} is not installed`)

/** Root, and an ordinary user: who has cgroups makes no difference to a store. */
export const STORE_USERS = USERS.slice(0, 2)

export interface TestStore {
  /** for the test's own files; everybody may read it */
  readonly folder: string
  /** the store itself */
  readonly place: string
  readonly image: (...args: string[]) => Promise<Finished>
  readonly run: (reference: string, script: string, more?: readonly string[]) => Promise<Finished>
  /** the argv of a command line with this store, and its environment */
  readonly argv: (args: readonly string[]) => string[]
  /** the argv of any other program, for which the store is where it is for the command line */
  readonly program: (argv: readonly string[]) => string[]
  readonly env: NodeJS.ProcessEnv
  /** names of what is in one of its folders */
  readonly has: (folder: string) => string[]
}

/** Root's is where it always is, in a mount namespace in which that is another folder. */
const ELSEWHERE = 'mount --bind "$1" /var/lib/glovebox && shift && exec "$@"'

/** `mount`: shell words that make the store's disk, with its folder as `$1`; root's alone. */
export function testStore(
  user: TestUser,
  t: TestContext,
  mount = ELSEWHERE,
  env: NodeJS.ProcessEnv = {},
): TestStore {
  const folder = testFolder(t, 0o755)
  const state = join(folder, user.isRoot ? 'state' : 'data/glovebox')
  mkdirSync(state, { recursive: true })
  if (SUITE_IS_ROOT && !user.isRoot)
    for (const each of ['data', 'data/glovebox']) chownSync(join(folder, each), 65534, 65534)
  chmodSync(state, 0o700)
  if (user.isRoot) mkdirSync('/var/lib/glovebox', { recursive: true })
  const before = user.isRoot ? ['unshare', '--mount', '/bin/sh', '-c', mount, 'sh', state] : []
  const program = user.cli([]).slice(0, 2)
  const all = { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: join(folder, 'data'), ...env }
  const withStore = (argv: readonly string[]) => [...before, ...user.as(argv)]
  const argv = (args: readonly string[]) => withStore([...program, ...args])
  const call = (args: readonly string[]) => finished(argv(args), { cwd: '/', env: all })
  const waive = user.noMemoryLimit === null ? [] : ['--waive', 'limits.memory']
  const place = join(state, 'images')
  return {
    folder,
    place,
    argv,
    program: withStore,
    env: all,
    image: (...args) => call(['image', ...args]),
    run: (reference, script, more = []) =>
      call(['run', ...waive, '--root', `image:${reference}`, ...more, '--', 'sh', '-c', script]),
    has: (name) => (existsSync(join(place, name)) ? readdirSync(join(place, name)) : []),
  }
}
