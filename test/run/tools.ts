/** Runs of the command line that can be watched and disturbed, and what of a sandbox can be seen from outside. */
import assert from 'node:assert/strict'
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Report } from '../../src/index.js'
import { ON_BOUNDARY } from '../support/boundary.js'
import type { Finished } from '../support/spawned.js'
import { type asEachUser, glovebox, type TestUser, USERS } from '../support/users.js'

/** Only to stop a hang: nothing here is about speed. */
export const HANG = { timeout: 60_000, killSignal: 'SIGKILL' } as const

type Body = Parameters<typeof asEachUser>[1]

/** For what does not hang on who starts it: the suite's own user. */
export function asSuiteUser(name: string, body: Body): void {
  const [user] = USERS
  if (user !== undefined) test(name, { skip: user.skip ?? false }, (t) => body(user, t))
}

/** For what hangs on being root or not, and not on control groups. */
export function asRootAndOrdinary(name: string, body: Body): void {
  for (const user of USERS.slice(0, 2))
    test(`${name} (started by ${user.name}${ON_BOUNDARY})`, { skip: user.skip ?? false }, (t) =>
      body(user, t),
    )
}

/** `glovebox ARGS` to its end. */
export function ran(
  user: TestUser,
  args: readonly string[],
  options: Parameters<typeof glovebox>[2] = {},
): Promise<Finished> {
  return glovebox(user, args, { ...HANG, ...options })
}

/** A sentence of Glovebox's own on standard error, and nothing else there. */
export function assertSaid({ stderr }: Finished, expected: RegExp): void {
  const lines = stderr.trimEnd().split('\n')
  assert.ok(
    lines.every((line) => line.startsWith('glovebox: ')),
    `not only sentences of Glovebox: ${stderr}`,
  )
  assert.match(stderr, expected)
  assert.doesNotMatch(stderr, /\n {4}at |undefined|\[object/, 'a stack trace or a hole in a sentence')
}

export interface Watched {
  readonly child: ChildProcess
  readonly pid: number
  readonly ended: Promise<Finished>
  /** resolves when standard output holds this */
  said(text: string): Promise<void>
}

/** `glovebox ARGS`, under way. */
export function started(user: TestUser, args: readonly string[], options: SpawnOptions = {}): Watched {
  const [file = '', ...rest] = user.as(user.cli(args))
  const child = spawn(file, rest, { cwd: '/', ...HANG, stdio: ['ignore', 'pipe', 'pipe'], ...options })
  let stdout = ''
  let stderr = ''
  let heard = () => {}
  child.stdout?.on('data', (part) => {
    stdout += part
    heard()
  })
  child.stderr?.on('data', (part) => {
    stderr += part
  })
  const ended = new Promise<Finished>((resolve) =>
    child.on('close', (status, signal) => {
      resolve({ status, signal, stdout, stderr })
      heard()
    }),
  )
  const said = (text: string) =>
    new Promise<void>((resolve, reject) => {
      heard = () => {
        if (stdout.includes(text)) resolve()
        else if (child.exitCode !== null || child.signalCode !== null)
          reject(new Error(`it ended before it said ${text}: ${stderr}`))
      }
      heard()
    })
  return { child, pid: child.pid ?? assert.fail('not started'), ended, said }
}

let markers = 0

/** A number of seconds that no other `sleep` on this machine sleeps. */
export function marker(): string {
  return `${3000 + process.pid}.${Date.now() % 1_000_000}${++markers}`
}

/** Pids of processes `sleep MARKER`, wherever they run. */
export function sleepers(mark: string): number[] {
  return pids().filter((pid) => textOf(pid, 'cmdline') === `sleep\0${mark}\0`)
}

/** The job's processes are none of this host's on gVisor: there its kernel is. */
export function sentries(root: number): number[] {
  if (ON_BOUNDARY !== ' on gvisor') return []
  return family(root).filter((pid) => textOf(pid, 'cmdline').startsWith('runsc-sandbox'))
}

/** What started the sleeper, or the kernel that it is in, of a run by `root`; 0: neither. */
export function firstProcess(mark: string, root: number): number {
  const [pid] = sleepers(mark)
  return pid === undefined ? (sentries(root)[0] ?? 0) : parentOf(pid)
}

const isThere = (mark: string) => sleepers(mark).length + sentries(process.pid).length > 0

/** Waits until none sleeps any more. */
export async function noSleeper(mark: string): Promise<void> {
  for (let tries = 0; isThere(mark); tries++) {
    assert.ok(tries < 2000, `still there: ${sleepers(mark)}`)
    await sleep(10)
  }
}

export async function sleeper(mark: string): Promise<void> {
  for (let tries = 0; !isThere(mark); tries++) {
    assert.ok(tries < 3000, 'the job never slept')
    await sleep(10)
  }
}

export function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** A file of /proc/PID, and empty when the process is gone or not ours to read. */
export function textOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

export function parentOf(pid: number): number {
  return Number(
    textOf(pid, 'stat')
      .replace(/^.*\) /s, '')
      .split(' ')[1] ?? 0,
  )
}

/** The process and all that descends from it. */
export function family(root: number): number[] {
  const parents = new Map(pids().map((pid) => [pid, parentOf(pid)]))
  const found = [root]
  for (const one of found) for (const [pid, parent] of parents) if (parent === one) found.push(pid)
  return found
}

/** The launcher that this process has started. */
export function launchersOf(parent: number): number[] {
  return pids().filter((pid) => parentOf(pid) === parent && textOf(pid, 'comm') === 'cell\n')
}

export function reportIn(file: string): Report {
  return JSON.parse(readFileSync(file, 'utf8')) as Report
}
