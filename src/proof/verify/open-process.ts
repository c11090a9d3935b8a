/** An attempt in the open that goes on until it is ended; with this program it ends by itself. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Duplex, Readable } from 'node:stream'
import { nativePrograms } from '../../boundary/index.js'
import { LaunchError } from '../../errors/index.js'
import type { OpenProcess } from '../probes/index.js'

export function startOpen(word: string): OpenProcess {
  const child = spawn(nativePrograms().probe, [word], {
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    cwd: '/',
    env: {},
    detached: true,
  })
  child.on('error', () => {}) // said below
  if (child.pid === undefined)
    throw new LaunchError('verify.control', 'A process for a control did not start.')
  const exited = once(child, 'exit')
  // not its standard input, which Node closes when the child ends: what it started goes on
  const channel = child.stdio[3] as Duplex | null | undefined
  channel?.on('error', () => {})
  return {
    pid: child.pid,
    stdout: gathered(child.stdout),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    channel: gathered(channel),
    async end() {
      channel?.destroy()
      child.kill('SIGKILL')
      await exited
    },
  }
}

function gathered(stream: Readable | null | undefined): () => Buffer {
  const parts: Buffer[] = []
  stream?.on('data', (part: Buffer) => parts.push(part))
  return () => Buffer.concat(parts)
}
