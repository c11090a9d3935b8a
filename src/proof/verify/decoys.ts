/** What probes may touch of the host: made for one verification, and removed after it. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nativePrograms } from '../../boundary/index.js'
import { LaunchError } from '../../errors/index.js'
import type { Decoys } from '../probes/index.js'

export interface LaidDecoys extends Decoys {
  remove(): Promise<void>
}

export async function layDecoys(): Promise<LaidDecoys> {
  const canary = `glovebox-canary-${randomBytes(12).toString('hex')}`
  const folder = mkdtempSync(join(tmpdir(), 'glovebox-verify-'))
  chmodSync(folder, 0o777)
  const file = join(folder, 'canary')
  writeFileSync(file, `${canary}\n`)
  chmodSync(file, 0o644)
  const live = join(folder, 'live')
  mkdirSync(live)
  chmodSync(live, 0o777)
  const socket = join(folder, 'socket')
  const abstractSocket = `@${canary}`
  const server = createServer((connection) => connection.end(`${canary}\n`))
  server.listen(socket)
  await once(server, 'listening')
  chmodSync(socket, 0o777)
  // with this program it goes, and takes the folder along; a Ctrl-C that ends this program must not end it first
  const child = spawn(nativePrograms().probe, [`decoy,${abstractSocket}`, folder], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env: { GLOVEBOX_CANARY: canary },
  })
  child.stdin.on('error', () => {})
  const [ready] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  if (child.pid === undefined || typeof ready === 'number' || child.exitCode !== null)
    throw new LaunchError('verify.decoys', 'The decoy process did not start.')
  return {
    process: { pid: child.pid, abstractSocket },
    folder,
    file,
    live,
    socket,
    canary,
    async remove() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      await new Promise((resolve) => server.close(resolve))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
