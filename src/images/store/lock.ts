/** Held by one process at a time, and by none that is dead: the kernel's own lock (flock(2)), which util-linux takes for us. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { ImageError } from '../../errors/index.js'

const FLOCK = '/usr/bin/flock'
/** As long as one may wait for another's renames, s. */
const PATIENCE_S = 60

/** Runs `work` while nobody else holds `file`, which is made. */
export async function locked<T>(file: string, work: () => Promise<T> | T): Promise<T> {
  // cat says what it hears: an answer means that the lock is held; its end, or ours, gives it back
  const child = spawn(FLOCK, ['--wait', String(PATIENCE_S), file, '/bin/cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {},
  })
  const ended = once(child, 'close').catch((error: Error) => [error.message])
  try {
    child.stdin.on('error', () => {}) // its end says it
    child.stdin.write('?')
    const [first] = await Promise.race([once(child.stdout, 'data'), ended.then(([code]) => [code])])
    if (!Buffer.isBuffer(first))
      throw new ImageError(
        'image.locked',
        `The store's lock ${file} can't be had (${first}).`,
        'Another `glovebox image` holds it; or util-linux (flock) is missing.',
      )
    return await work()
  } finally {
    child.stdin.end()
    await ended
  }
}
