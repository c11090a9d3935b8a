/**
 * `node box.js JSON`: a sandbox with a network, started by the boundary directly as whoever runs this, and in place of the gateway the
 * smallest that can stand there: it tells whoever connects what address they meant. Prints what it saw, as JSON.
 */
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Launcher } from '../../src/boundary/cell/launcher.js'
import { launchHead } from '../../src/boundary/cell/request.js'
import { launchSandbox, said } from '../../src/boundary/cell/sandbox.js'
import { told } from '../../src/boundary/cell/source.js'
import type { NetworkPlace, WallProgram } from '../../src/boundary/cell/wall-program.js'
import { boundaryNamed, type RunningSandbox, type SandboxEnd } from '../../src/boundary/index.js'
import { bubblewrapWith } from '../../src/boundary/process/index.js'
import { bubblewrap } from '../../src/boundary/process/program.js'
import type { Plan } from '../../src/plan/index.js'
import { parsePolicy, type WaivableControl } from '../../src/policy/index.js'
import { hostOf, planFor } from '../../src/sandbox/index.js'

export interface Asked {
  readonly argv: readonly [string, ...string[]]
  readonly waive?: readonly WaivableControl[]
  readonly loopback?: boolean
  /** as on a kernel without TPROXY; the ports of the rules */
  readonly byPort?: readonly number[]
  /** where its network is; absent: `here`, with the job */
  readonly place?: NetworkPlace
  /** no network, with the program of a place all the same */
  readonly none?: boolean
  /** the gateway closes its sockets before the command starts */
  readonly gone?: boolean
  /** nobody takes the sockets */
  readonly untaken?: boolean
  /** read grants, HOST:INSIDE */
  readonly read?: readonly string[]
  /** how many sandboxes, one after another; what is seen is of the last */
  readonly times?: number
  /** between the first and the last, so many more that are killed at other moments of their start */
  readonly killed?: number
}

export interface Seen {
  readonly ends: readonly string[]
  /** `ADDRESS PORT` that connections were meant for */
  readonly connections: readonly string[]
  readonly questions: readonly string[]
  readonly stdout: string
  readonly stderr: string
  readonly end: SandboxEnd
  /** descriptors of the launcher and of this process, before the first sandbox and after the last */
  readonly descriptors: readonly [before: readonly number[], after: readonly number[]]
}

const host = hostOf()
const boundary = boundaryNamed('process')

function planOf({ waive = [], loopback = false, byPort = [443], read = [], place, none }: Asked): Plan {
  if (boundary === null) throw new Error('no process boundary')
  const policy = parsePolicy(
    { version: 1, waive, files: { read }, ...(place === 'tap' ? { syscalls: { allow: ['ioctl'] } } : {}) },
    { ceiling: { path: '/nonexistent.invalid' } },
  )
  const unlimited = { maxUploadBytes: null, maxDownloadBytes: null, maxConnections: null, maxRate: null }
  const rule = {
    name: 'network.public',
    host: { kind: 'public' },
    ports: byPort.map((port) => ({ port, protocol: 'web' }) as const),
    ...{ inspect: false, methods: null, paths: null, upgrade: false, private: [], budget: unlimited },
  } as const
  const budget = { maxUploadBytes: 1, maxDownloadBytes: 1, maxConnections: 1, maxRate: 1 }
  const timeouts = { connectMs: 1, headMs: 1, idleMs: 1 }
  const network = { rules: [rule], loopback, resolver: '198.18.0.53', budget, timeouts }
  return { ...planFor(policy, boundary, host), network: none === true ? null : network }
}

const howOf = ({ byPort, place = 'here' }: Asked) => ({ byPort: byPort !== undefined, network: place })

/** A virtual machine's program takes the interface itself. */
const programOf = ({ place }: Asked): WallProgram =>
  place === 'tap' ? bubblewrapWith({ devices: ['/dev/net/tun'] }) : bubblewrap

class TinyGateway {
  readonly connections: string[] = []
  readonly questions: string[] = []
  readonly #open: (Server | Datagrams)[] = []

  constructor({ network }: RunningSandbox) {
    for (const { kind, handle } of network) {
      if (kind === 'connections') this.#open.push(this.#connections().listen(handle))
      // dgram's types don't know that it takes a handle, as net does
      else this.#open.push(this.#names().bind(handle as unknown as number))
    }
  }

  #connections(): Server {
    return createServer((socket) => {
      const meant = `${socket.localAddress?.replace(/^::ffff:/, '')} ${socket.localPort}`
      this.connections.push(meant)
      socket.on('error', () => {})
      socket.end(`you meant ${meant}`)
    })
  }

  #names(): Datagrams {
    const socket = createSocket('udp4')
    return socket.on('message', (question, { address, port }) => {
      this.questions.push(question.toString('latin1'))
      socket.send('answer', port, address)
    })
  }

  close(): void {
    for (const each of this.#open.splice(0)) each.close()
  }
}

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  let all = ''
  for await (const chunk of stream) all += chunk
  return all
}

async function one(launcher: Launcher, id: number, asked: Asked): Promise<Omit<Seen, 'descriptors'>> {
  const plan = planOf(asked)
  const toSay = said(plan, host, programOf(asked), howOf(asked))
  const sandbox = await launchSandbox(launcher, id, launchHead(id, plan, host, id), toSay)
  const gateway = asked.untaken ? null : new TinyGateway(sandbox)
  if (asked.gone) gateway?.close()
  const streams = Promise.all([text(sandbox.stdout), text(sandbox.stderr)])
  await sandbox.run({ argv: asked.argv, inputs: [], terminal: null })
  sandbox.stdin.end()
  await sandbox.commandEnd
  gateway?.close()
  const end = await sandbox.end()
  const [stdout, stderr] = await streams
  const ends = sandbox.network.map(({ kind }) => kind)
  return {
    ends,
    connections: gateway?.connections ?? [],
    questions: gateway?.questions ?? [],
    stdout,
    stderr,
    end,
  }
}

/** Killed a little later each time: before it has a network, while its sockets are on their way, when they are here. */
async function killed(launcher: Launcher, asked: Asked): Promise<void> {
  const toSay = said(planOf(asked), host, programOf(asked), howOf(asked))
  for (let turn = 0; turn < (asked.killed ?? 0); turn++) {
    const id = 1000 + turn
    const starting = launchSandbox(launcher, id, launchHead(id, planOf(asked), host, id), toSay)
    await sleep(turn / 4)
    launcher.kill(id)
    await starting.then(
      (sandbox) => sandbox.end(),
      () => {},
    )
  }
}

const count = (pid: number | 'self') => readdirSync(`/proc/${pid}/fd`).length

function launcherPid(): number {
  const found = readdirSync('/proc').find((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      return stat.includes('(cell)') && stat.replace(/^.*\) /s, '').split(' ')[1] === `${process.pid}`
    } catch {
      return false
    }
  })
  return Number(found)
}

/** When nothing changes any more: a worker for the next sandbox is prepared a moment after the last has started. */
async function settled(launcher: number): Promise<readonly number[]> {
  let same = 0
  let last = ''
  while (same < 5) {
    await sleep(40)
    const now = `${[count(launcher), count('self')]}`
    same = now === last ? same + 1 : 0
    last = now
  }
  return last.split(',').map(Number)
}

async function main(asked: Asked): Promise<void> {
  const launcher = new Launcher(host, told(bubblewrap, host), false)
  const head = asked.times === undefined ? null : await one(launcher, 1, asked)
  const pid = head === null ? 0 : launcherPid()
  const before = head === null ? [] : await settled(pid)
  let seen = await one(launcher, 2, asked)
  await killed(launcher, asked)
  for (let id = 3; id < 2 + (asked.times ?? 0); id++) seen = await one(launcher, id, asked)
  const after = head === null ? [] : await settled(pid)
  await launcher.close()
  process.stdout.write(JSON.stringify({ ...seen, descriptors: [before, after] } satisfies Seen))
}

await main(JSON.parse(process.argv[2] ?? '{}'))
