/** What probes may touch of the host: made for one verification, and removed after it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
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
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'glovebox-verify-'))
  const [granted, live] = [join(folder, 'granted'), join(folder, 'live')]
  for (const each of [granted, live]) mkdirSync(each)
  for (const each of [folder, granted, live]) chmodSync(each, 0o777)
  const file = join(folder, 'canary')
  for (const each of [file, join(granted, 'file')]) {
    writeFileSync(each, `${canary}\n`)
    chmodSync(each, 0o644)
  }
  const socket = join(folder, 'socket')
  const servers = [await serverAt(socket, canary), await serverAt(join(granted, 'socket'), canary)]
  const abstractSocket = `@${canary}`
  const child = spawn(nativePrograms().probe, [`decoy,${abstractSocket}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { GLOVEBOX_CANARY: canary, GLOVEBOX_FIFO: join(granted, 'fifo') },
  })
  const { canaryAt, memoryKey, queue } = await ready(child)
  return {
    process: { pid: child.pid ?? 0, abstractSocket, canaryAt },
    memoryKey,
    queue,
    folder,
    file,
    socket,
    granted,
    live,
    canary,
    async remove() {
      const gone = once(child, 'exit')
      child.stdin.end() // it takes what it keeps in the kernel with it
      await gone
      for (const server of servers) await new Promise((resolve) => server.close(resolve))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function serverAt(path: string, canary: string): Promise<Server> {
  const server = createServer((connection) => connection.on('error', () => {}).end(`${canary}\n`))
  server.listen(path)
  await once(server, 'listening')
  chmodSync(path, 0o777)
  return server
}

async function ready(child: ChildProcessWithoutNullStreams) {
  child.stdin.on('error', () => {})
  child.stderr.resume()
  const [said] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown]
  const [, canaryAt, key = '0', queue = '-'] =
    /^ready ([0-9a-f]+) ([0-9a-f]+) (\S+)\n$/.exec(said instanceof Buffer ? said.toString('latin1') : '') ??
    []
  if (canaryAt === undefined) {
    child.kill('SIGKILL')
    throw new LaunchError('verify.decoys', 'The decoy process did not start.')
  }
  return { canaryAt, memoryKey: key === '0' ? null : key, queue: queue === '-' ? null : queue }
}
