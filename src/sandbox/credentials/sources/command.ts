import { spawn } from 'node:child_process'
import { CredentialError } from '../../../errors/index.js'
import { type Given, MOST_GIVEN, type SourceWorld } from './world.js'

/**
 * Runs a program that prints a value: without a shell, with nothing of Glovebox's environment but PATH and HOME, in a group of its own,
 * which is killed with it.
 * @throws CredentialError when it can't be run, fails, prints too much or takes too long
 */
export function runSecretCommand(
  argv: readonly [string, ...string[]],
  timeoutMs: number,
  world: SourceWorld,
): Promise<Given> {
  const [program, ...args] = argv
  const from = `the command ${program}`
  const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME = '/' } = world.env
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: '/',
      env: { PATH, HOME },
      // what it says of a failure may hold what it failed with: nobody reads it
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    })
    const out: Buffer[] = []
    let outBytes = 0
    let ended: string | null = null
    let settled = false
    const end = (why: string) => {
      ended ??= why
      killGroup(child.pid)
      // a grandchild that left the group may hold the pipes open; nobody waits for it
      child.stdout.destroy()
    }
    const timer = setTimeout(() => end(`did not end within ${timeoutMs} ms`), timeoutMs)
    const aborted = () => end('was not waited for')
    world.signal.addEventListener('abort', aborted, { once: true })
    const settle = (act: () => void) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      world.signal.removeEventListener('abort', aborted)
      act()
    }
    const fail = (why: string, hint = '') =>
      settle(() => reject(new CredentialError('credential.command', `${from} ${why}.${hint}`)))
    child.stdout.on('data', (piece: Buffer) => {
      outBytes += piece.length
      if (outBytes > MOST_GIVEN) end(`printed more than ${MOST_GIVEN} bytes`)
      else out.push(piece)
    })
    child.on('error', (error: NodeJS.ErrnoException) =>
      fail(`cannot be run (${error.code ?? 'unknown error'})`),
    )
    child.on('close', (code, signal) => {
      killGroup(child.pid)
      const printed = Buffer.concat(out)
      if (ended !== null) fail(ended)
      else if (code !== 0)
        fail(
          signal === null ? `failed with exit code ${code}` : `was killed by ${signal}`,
          ' Run it by hand to see why.',
        )
      else settle(() => resolve({ text: printed.toString('latin1'), from }))
    })
    if (world.signal.aborted) aborted()
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // it has ended, and all of its group
  }
}
