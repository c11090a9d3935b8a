import type { RunningSandbox } from '../boundary/index.js'
import { LaunchError } from '../errors/index.js'

/** A launcher that is stopped, or starved, keeps no caller waiting; should the sandbox still come up, it is ended. */
export async function inTime(launching: Promise<RunningSandbox>, ms: number): Promise<RunningSandbox> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      launching.then((sandbox) => sandbox.end()).catch(() => {})
      const what = `No sandbox came up within ${ms / 1000} s.`
      reject(
        new LaunchError(
          'launch.timeout',
          what,
          'Is the machine out of memory or processes, or the launcher stopped?',
        ),
      )
    }, ms)
  })
  try {
    return await Promise.race([launching, late])
  } finally {
    clearTimeout(timer)
  }
}
