/** What probes may touch of the host: made for one verification, and removed after it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nativePrograms } from '../../boundary/index.js'
import { LaunchError } from '../../errors/index.js'
import type { Decoys } from '../probes/index.js'
import { layWorld, type WorldSockets } from './far-side.js'

/** Names a folder that was made already, by a process that removes it however this one ends. */
export const FOLDER_VARIABLE = 'GLOVEBOX_DECOYS'

/** Whose entries anybody may make, and nobody but us may replace. */
const FOR_ALL = 0o1777

export function makeFolder(): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'glovebox-verify-'))
  chmodSync(folder, FOR_ALL)
  for (const each of Object.values(grantedIn(folder))) {
    mkdirSync(each)
    chmodSync(each, FOR_ALL)
  }
  return folder
}

/** Folders for grants. */
const grantedIn = (folder: string) => ({ granted: join(folder, 'granted'), live: join(folder, 'live') })

/** Anybody may write to it: no folder is looked into that we did not make, where a link could be put in its place. */
export function removeFolder(folder: string): void {
  for (const each of [...Object.values(grantedIn(folder)), folder])
    try {
      for (const name of readdirSync(each)) unlinkSync(join(each, name))
      rmdirSync(each)
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
  const { granted, live } = grantedIn(folder)
  const file = join(folder, 'canary')
  for (const each of [file, join(granted, 'file')]) {
    writeFileSync(each, `${canary}\n`)
    chmodSync(each, 0o644)
  }
  const linked = join(folder, 'linked')
  symlinkSync(granted, linked)
  const socket = join(folder, 'socket')
  const servers = [await serverAt(socket, canary), await serverAt(join(granted, 'socket'), canary)]
  const abstractSocket = `@${canary}`
  // with this program it goes, and takes the folder along; a Ctrl-C that ends this program must not end it first
  const child = spawn(nativePrograms().probe, [`decoy,${abstractSocket}`, folder], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { GLOVEBOX_CANARY: canary, GLOVEBOX_FIFO: join(granted, 'fifo') },
  })
  const { canaryAt, memoryKey, queue } = await ready(child)
  const world = sockets === null ? null : await layWorld(sockets, canary)
  return {
    process: { pid: child.pid ?? 0, abstractSocket, canaryAt },
    memoryKey,
    queue,
    folder,
    file,
    socket,
    granted,
    linked,
    live,
    canary,
    world,
    async remove() {
      await world?.remove()
      // a Ctrl-C has reached it as well
      const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null
      child.stdin.end() // it takes what it keeps in the kernel with it
      await gone
      for (const server of servers) await new Promise((resolve) => server.close(resolve))
      process.off('exit', leave)
      leave()
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
