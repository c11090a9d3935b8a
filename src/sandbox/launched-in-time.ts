import type { RunningSandbox } from '../boundary/index.js'
import { LaunchError } from '../errors/index.js'
import { inTime } from '../waiting/index.js'

/**
 * A launcher that is stopped, or starved, keeps no caller waiting; should the sandbox still come up, it is ended.
 * @throws LaunchError
 */
export function launchedInTime(launching: Promise<RunningSandbox>, ms: number): Promise<RunningSandbox> {
  return inTime(launching, ms, () => {
    launching.then((sandbox) => sandbox.end()).catch(() => {})
    throw new LaunchError(
      'launch.timeout',
      `No sandbox came up within ${ms / 1000} s.`,
      'Is the machine out of memory or processes, or the launcher stopped?',
    )
  })
}
