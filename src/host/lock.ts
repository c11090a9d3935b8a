/** Held by one process at a time, and by none that is dead: the kernel's own lock (flock(2)), which util-linux takes for us. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

const FLOCK = '/usr/bin/flock'
/** What flock(1) exits with when another holds it: no command that it runs exits so. */
const CONFLICT = 75
const AGAIN_MS = 50

export interface Locking {
  /** how long another may hold it, s */
  readonly patienceS: number
  /** aborted: it is not waited for any longer */
  readonly signal?: AbortSignal | null
  /** what to throw when it can't be had */
  readonly refused: (why: string) => Error
}

/** Runs `work` while nobody else holds `file`, which is made. */
export async function locked<T>(
  file: string,
  work: () => Promise<T> | T,
  { patienceS, signal = null, refused }: Locking,
): Promise<T> {
  for (const last = Date.now() + patienceS * 1000; ; await sleep(AGAIN_MS)) {
    const held = await tried(file, work, signal)
    if ('done' in held) return held.done
    if (held.why !== String(CONFLICT) || Date.now() > last) throw refused(held.why)
  }
}

/** Never waits in there: who waits is this process, and when it is killed nobody is left who does. */
async function tried<T>(
  file: string,
  work: () => Promise<T> | T,
  signal: AbortSignal | null,
): Promise<{ readonly done: T } | { readonly why: string }> {
  // cat says what it hears: an answer means that the lock is held; its end, or ours, gives it back
  const child = spawn(FLOCK, ['--nonblock', '--conflict-exit-code', String(CONFLICT), file, '/bin/cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {},
    ...(signal === null ? {} : { signal }),
  })
  const ended = once(child, 'close').catch((error: Error) => [error.message])
  try {
    child.stdin.on('error', () => {}) // its end says it
    child.stdin.write('?')
    const [first] = await Promise.race([once(child.stdout, 'data'), ended.then(([code]) => [code])])
    return Buffer.isBuffer(first) ? { done: await work() } : { why: String(first) }
  } finally {
    child.stdin.end()
    await ended
  }
}
