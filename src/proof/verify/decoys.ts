/** What probes may touch of the host: made for one verification, and removed after it. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nativePrograms } from '../../boundary/index.js'
import { LaunchError } from '../../errors/index.js'
import type { Decoys } from '../probes/index.js'
import { layWorld, type WorldSockets } from './far-side.js'

/** Names a folder that was made already, by a process that removes it however this one ends. */
export const FOLDER_VARIABLE = 'GLOVEBOX_DECOYS'

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'glovebox-verify-'))
  chmodSync(folder, 0o777)
  return folder
}

/** Anybody may write to it: nothing below it is looked into, where a link could be put in a folder's place. */
export function removeFolder(folder: string): void {
  try {
    for (const name of readdirSync(folder)) unlinkSync(join(folder, name))
    rmdirSync(folder)
  } catch {
    // it is gone, or holds what is not ours
  }
}

export interface LaidDecoys extends Decoys {
  remove(): Promise<void>
}

/** `sockets`: of the world that this process was started in, if it was. */
export async function layDecoys(sockets: WorldSockets | null): Promise<LaidDecoys> {
  const canary = `glovebox-canary-${randomBytes(12).toString('hex')}`
  // the variable is believed where only runInWorld can have set it: what it names is emptied in the end
  const folder = (sockets === null ? undefined : process.env[FOLDER_VARIABLE]) ?? makeFolder()
  delete process.env[FOLDER_VARIABLE]
  const leave = () => removeFolder(folder)
  process.once('exit', leave)
  const file = join(folder, 'canary')
  writeFileSync(file, `${canary}\n`)
  chmodSync(file, 0o644)
  const socket = join(folder, 'socket')
  const abstractSocket = `@${canary}`
  const server = createServer((connection) => connection.end(`${canary}\n`))
  server.listen(socket)
  await once(server, 'listening')
  chmodSync(socket, 0o777)
  const child = spawn(nativePrograms().probe, [`decoy,${abstractSocket}`], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { GLOVEBOX_CANARY: canary },
  })
  child.stdin.on('error', () => {})
  const [ready] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  if (child.pid === undefined || typeof ready === 'number' || child.exitCode !== null)
    throw new LaunchError('verify.decoys', 'The decoy process did not start.')
  const world = sockets === null ? null : await layWorld(sockets, canary)
  return {
    process: { pid: child.pid, abstractSocket },
    folder,
    file,
    socket,
    canary,
    world,
    async remove() {
      await world?.remove()
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      await new Promise((resolve) => server.close(resolve))
      process.off('exit', leave)
      leave()
    },
  }
}
