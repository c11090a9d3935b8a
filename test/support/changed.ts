/** Hosts that are changed for one program: a mount namespace in which root has changed something first. */
import { type Finished, finished } from './spawned.js'
import type { TestUser } from './users.js'

const HANG = { timeout: 60_000, killSignal: 'SIGKILL' } as const

/** `argv` in a mount namespace of its own, after the shell words of `setup`; needs root. */
export function onChangedHost(setup: string, argv: readonly string[]): Promise<Finished> {
  const script = `set -e\n${setup}\nexec "$@"`
  return finished(['unshare', '--mount', 'sh', '-c', script, 'sh', ...argv], { cwd: '/', ...HANG })
}

/** `glovebox ARGS` there, as this user. */
export function gloveboxOn(setup: string, user: TestUser, args: readonly string[]): Promise<Finished> {
  return onChangedHost(setup, user.as(user.cli(args)))
}
