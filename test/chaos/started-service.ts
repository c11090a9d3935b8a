/** `service.ts` as a process, and what it answers. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Line } from './service.js'

/** Only to stop a hang: a virtual machine that nobody saved yet is booted under emulation. */
const HANG_MS = 240_000

export interface Service {
  readonly pid: number
  readonly ended: Promise<number | null>
  /** @throws when none of the next runs ends as it should */
  check(): Promise<void>
  save(): Promise<void>
  close(): Promise<void>
  /** for who has found what is wrong, and leaves */
  kill(): void
}

/** It answers, and works already. */
export async function serviceOf(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<Service> {
  const [file = '', ...rest] = argv
  const child = spawn(file, rest, { cwd: '/', env, stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(child, 'close').then(([status]) => status as number | null)
  const bugs: string[] = []
  let complaint = ''
  let heard: (line: Line) => void = () => {}
  child.stderr.on('data', (part) => {
    complaint += part
  })
  child.stdin.on('error', () => {}) // it was killed
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Line
    if ('bug' in line) bugs.push(line.bug)
    else if (!('ended' in line)) heard(line)
  })
  const healthy = () => assert.deepEqual([bugs, complaint], [[], ''])
  const asked = (command: string) =>
    answered(child, ended, command, (next) => {
      heard = next
    })
  const checked = async (command: string) => {
    const line = await asked(command)
    assert.ok('checked' in line && line.checked > 0, `the next runs do not work: ${JSON.stringify(line)}`)
    healthy()
  }
  await asked('')
  return {
    pid: child.pid ?? 0,
    ended,
    check: () => checked('check\n'),
    save: () => checked('save\n'),
    async close() {
      child.stdin.write('close\n')
      assert.equal(await withoutHang(ended, child, 'close'), 0, complaint)
      healthy()
    },
    kill: () => void child.kill('SIGKILL'),
  }
}

async function answered(
  child: ChildProcess,
  ended: Promise<unknown>,
  command: string,
  listen: (heard: (line: Line) => void) => void,
): Promise<Line> {
  const answer = new Promise<Line>((resolve) => listen(resolve))
  child.stdin?.write(command)
  const dead = ended.then((status): Line => ({ bug: `it ended with ${status}` }))
  return withoutHang(Promise.race([answer, dead]), child, command)
}

async function withoutHang<T>(promise: Promise<T>, child: ChildProcess, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${what.trim()}: it hung`))
    }, HANG_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
