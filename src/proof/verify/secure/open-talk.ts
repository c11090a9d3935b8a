/** The program that talks, without a sandbox: the control of what it says inside. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { nativePrograms } from '../../../boundary/index.js'
import type { Talk } from '../../probes/index.js'
import { Talking } from './talking.js'

export async function talkOpenly<T>(
  play: (talk: Talk) => Promise<T>,
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const child = spawn(nativePrograms().probe, ['--bound', 'talk'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    cwd: '/',
    env: { ...env },
  })
  const closed = once(child, 'close')
  closed.catch(() => {})
  const talking = new Talking(child.stdin)
  child.stdout.on('data', (chunk: Buffer) => talking.hear(chunk))
  child.once('error', () => talking.over())
  child.once('close', () => talking.over())
  try {
    return await play(talking)
  } finally {
    child.stdin.end()
    await closed
  }
}
