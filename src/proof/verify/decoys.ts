/** What probes may touch of the host: made for one verification, and removed after it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { nativePrograms } from '../../boundary/index.js'
import { LaunchError } from '../../errors/index.js'
import type { Decoys } from '../probes/index.js'
import { enteredFolder, grantedIn } from './decoy-folder.js'
import { layWorld, type WorldSockets } from './far-side.js'
import type { DecoyAuthority } from './secure/decoy-authority.js'

export interface LaidDecoys extends Decoys {
  remove(): Promise<void>
}

/** The world that this process was started in. */
export interface Around {
  readonly sockets: WorldSockets
  readonly authority: DecoyAuthority
}

/** `around`: `null` when this process was started in none. */
export async function layDecoys(around: Around | null): Promise<LaidDecoys> {
  const canary = `glovebox-canary-${randomBytes(12).toString('hex')}`
  const secrets = new Map<string, string>()
  const secret = (name: string) => {
    const known = secrets.get(name) ?? `decoy${randomBytes(20).toString('hex')}`
    secrets.set(name, known)
    return known
  }
  const laid = enteredFolder(around !== null)
  const folder = laid.path
  const leave = () => laid.remove()
  process.once('exit', leave)
  const { granted, live } = grantedIn(folder)
  const file = join(folder, 'canary')
  for (const each of [file, join(granted, 'file')]) readableFile(each, canary)
  const replaceable = () => {
    const [first, second] = [randomBytes(12).toString('hex'), randomBytes(12).toString('hex')]
    const path = readableFile(join(folder, `first-${first.slice(0, 8)}`), first)
    // the first stays: what is nowhere can't be shown by whoever is still about to
    const replace = () => {
      renameSync(path, `${path}-before`)
      readableFile(path, second)
    }
    return { path, first, replace }
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
  const world = around === null ? null : await layWorld(around.sockets, canary, around.authority)
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
    replaceable,
    canary,
    secret,
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

/** By everyone, whatever the umask. @returns its path */
function readableFile(path: string, text: string): string {
  writeFileSync(path, `${text}\n`)
  chmodSync(path, 0o644)
  return path
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
