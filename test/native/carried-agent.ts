/** `agent --carried` as the first process of a sandbox, with nothing but two streams; and this side of them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { CarriedStreams } from '../../src/boundary/agent/carried.js'
import { type AgentSettings, Conversation } from '../../src/boundary/agent/conversation.js'
import { NO_WALL } from '../../src/boundary/agent/wall.js'
import type { Command } from '../../src/boundary/index.js'
import { nativePrograms } from '../../src/boundary/index.js'
import { hostOf } from '../../src/sandbox/index.js'
import { firstFilter, jobFilters } from '../../src/syscalls/index.js'
import { sharedFolder } from '../support/checkout.js'
import type { TestUser } from '../support/users.js'

const BOX = [
  ...['--unshare-user', '--uid', '1000', '--gid', '1000', '--unshare-pid', '--cap-drop', 'ALL'],
  ...['--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--dir', '/tmp/job'],
  ...['--die-with-parent', '--as-pid-1', '--new-session'],
]

/** Of a test, or of one round of a test. */
export interface Cleanup {
  after(clean: () => Promise<void> | void): void
}

export interface Sandbox {
  /** to the agent's descriptor 0, and from its 1 */
  readonly to: Writable
  readonly from: Readable
  /** what it said on 2, of itself or of the sanitizers; complete when it has ended */
  complaints(): string
  /** resolves when nothing of it is left; null: by a signal */
  readonly ended: Promise<number | null>
}

/** What root gives a sandbox, as cell does: files of pid 1 that are root's are not the job's. */
const OWN_UID = ['setpriv', '--reuid=200000', '--regid=200000', '--clear-groups']

interface How {
  readonly user: TestUser
  /** absent: what ships */
  readonly program?: string
  /** Node's are sockets */
  readonly pipes?: boolean
  /** it reads a key before all else */
  readonly sealed?: boolean
  /** as on the process boundary, before the agent is executed */
  readonly filter?: Uint8Array
  /** shell words before bubblewrap is started */
  readonly before?: string
}

let shipped: string | null = null

/** The checkout may lie where no other user can read. */
function theAgent(): string {
  if (shipped !== null) return shipped
  shipped = join(sharedFolder(), 'agent')
  copyFileSync(nativePrograms().agent, shipped)
  return shipped
}

export function startAgent(
  t: Cleanup,
  { user, program = theAgent(), pipes = false, sealed = false, filter, before }: How,
): Sandbox {
  const bwrap = [hostOf().bubblewrap ?? 'bwrap', ...BOX, ...(filter ? ['--seccomp', '3'] : [])]
  const plain = [
    ...bwrap,
    '--ro-bind',
    program,
    '/tmp/agent',
    '--',
    '/tmp/agent',
    '--carried',
    ...(sealed ? ['--sealed'] : []),
  ]
  const argv = pipes ? ['sh', '-c', 'cat | "$@" | cat', 'sh', ...plain] : plain
  const [file = '', ...args] = user.as(user.isRoot ? [...OWN_UID, ...argv] : argv, before)
  const child = spawn(file, args, {
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe', filter ? 'pipe' : 'ignore'],
    // leaks are looked for with ptrace, which nothing may use on this process
    env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=0:exitcode=99', UBSAN_OPTIONS: 'exitcode=99' },
  })
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve)
  })
  let complaints = ''
  child.stderr?.on('data', (part) => {
    complaints += part
  })
  const [to, from] = [child.stdin ?? assert.fail(), child.stdout ?? assert.fail()]
  to.on('error', () => {})
  from.on('error', () => {})
  ;(child.stdio[3] as Writable | null)?.on('error', () => {}).end(filter)
  t.after(async () => {
    to.destroy()
    from.destroy()
    await ended
  })
  return { to, from, complaints: () => complaints, ended }
}

export interface Talk extends Sandbox {
  readonly streams: CarriedStreams
  readonly conversation: Conversation
}

export function talkTo(sandbox: Sandbox): Talk {
  const streams = new CarriedStreams(sandbox.from, sandbox.to)
  return { ...sandbox, streams, conversation: new Conversation(streams.control) }
}

const PLAIN = { lock: null, deny: [], allow: [], inet: false, cpuPinned: false } as const
const ARCH = process.arch === 'arm64' ? 'arm64' : 'x64'

/** What the process boundary sets, for a job without a network. */
export const FILTER = firstFilter({ arch: ARCH, profile: 'default', ...PLAIN })
export const FILTERS = jobFilters({ arch: ARCH, profile: 'default', ...PLAIN })

export function settings(more: Partial<AgentSettings> = {}): AgentSettings {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' }
  return {
    workdir: '/tmp/job',
    env,
    deadlineMs: 60_000,
    label: null,
    wall: NO_WALL,
    firstFilter: null,
    filters: null,
    rlimits: [],
    ...more,
  }
}

export const command = (argv: readonly string[], more: Partial<Command> = {}): Command => ({
  argv: argv as Command['argv'],
  inputs: [],
  terminal: null,
  ...more,
})

/** The shell's words; resolves when they run. */
export async function begin(
  talk: Talk,
  script: string,
  more: Partial<AgentSettings> = {},
  how: Partial<Command> = {},
) {
  await talk.conversation.start(command(['sh', '-c', script], how), settings(more))
  let running: () => void = () => {}
  const runs = new Promise<void>((resolve) => {
    running = resolve
  })
  const end = talk.conversation.commandEnd(() => running())
  await Promise.race([runs, end])
  return { end }
}
