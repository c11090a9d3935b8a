/** What the gateway's process holds, as the kernel counts it, with sandboxes and connections that do nothing. */
import { setMaxListeners } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as passes } from 'node:timers/promises'
import { Glovebox, parsePolicy } from '../../src/index.js'

const SANDBOXES = 32
const CONNECTIONS = 500
/** a start or a closing is over by then */
const SETTLED_MS = 1500

/** Of a gateway that has served nobody else. Nothing is collected for it: garbage is part of what it holds. */
export async function gatewayMemory(folder: string, client: string, port: number): Promise<string[]> {
  const glovebox = await Glovebox.start({ network: { hosts: { 'bench.test': ['127.0.0.1'] } } })
  const stop = new AbortController()
  const { signal } = stop
  setMaxListeners(0, signal) // each of the sandboxes has one
  try {
    const policy = policyFor(folder, port)
    await glovebox.run(policy, ['/bin/true'])
    await passes(SETTLED_MS)
    const itself = gatewayKiB()
    const idle = Array.from({ length: SANDBOXES }, () => glovebox.run(policy, ['sleep', '60'], { signal }))
    await passes(2 * SETTLED_MS)
    const withSandboxes = gatewayKiB()
    const hold = [client, 'hold', 'bench.test', `${port}`, 'tcp', `${CONNECTIONS}`, '1']
    const holding = glovebox.run(policy, hold, { signal, stdin: silence(signal) })
    // it says so when a byte has come back on the last of them
    await new Promise((resolve) => holding.stdout.once('data', resolve))
    const withConnections = gatewayKiB()
    stop.abort()
    await Promise.all([holding, ...idle])
    return [
      ...['', '### Memory of the gateway', '', '| | KiB |', '|---|---:|'],
      `| itself | ${itself} |`,
      `| more for each idle sandbox | ${((withSandboxes - itself) / SANDBOXES).toFixed(0)} |`,
      `| more for each idle connection | ${((withConnections - withSandboxes) / CONNECTIONS).toFixed(0)} |`,
    ]
  } finally {
    stop.abort()
    await glovebox.close()
  }
}

function policyFor(folder: string, port: number) {
  return parsePolicy({
    version: 1,
    files: { read: [folder] },
    network: {
      allow: [{ host: 'bench.test', ports: [port], protocol: 'tcp', private: ['127.0.0.1/32'] }],
      maxConnections: 4096,
      maxRate: 10000,
      timeouts: { idle: '10m' },
    },
    limits: { openFiles: 4096 },
  })
}

/** Standard input that stays open, and says nothing. */
async function* silence(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  yield new Uint8Array()
}

/** Resident memory of the gateway that this process started, KiB. */
function gatewayKiB(): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const words = read(`/proc/${pid}/cmdline`).split('\0')
    if (!words[0]?.includes('node') || !words.some((word) => word.includes('gateway'))) continue
    if (!descends(Number(pid))) continue
    return Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? Number.NaN)
  }
  throw new Error('no gateway runs')
}

function descends(pid: number): boolean {
  for (let at = pid; at > 1; ) {
    at = Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${at}/status`))?.[1] ?? 0)
    if (at === process.pid) return true
  }
  return false
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
