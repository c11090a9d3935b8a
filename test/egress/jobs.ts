/** For the workers of this folder, which are whoever runs them: Gloveboxes whose far side is this host's loopback, and probe.py in them. */
import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Glovebox,
  type Policy,
  parsePolicy,
  type Report,
  type RunOptions,
  type RunResult,
} from '../../src/index.js'
import { hostOf } from '../../src/sandbox/index.js'
import { TESTED_BOUNDARY, TESTED_ROOT } from '../support/boundary.js'
import { ROOT } from '../support/checkout.js'

export const PROBE = readFileSync(join(ROOT, 'test/egress/probe.py'), 'utf8')
const waive = hostOf().cgroups.controllers.includes('memory') ? [] : ['limits.memory']

/** `network` and what else a test is about; long enough for any machine. */
export function policyOf(network: object, more: object = {}): Policy {
  return parsePolicy({
    version: 1,
    boundary: TESTED_BOUNDARY,
    ...(TESTED_ROOT === undefined ? {} : { root: TESTED_ROOT }),
    waive,
    lifetime: { deadline: '60s' },
    ...more,
    network,
  })
}

/** A rule for a host on this host's loopback. */
export const local = (host: string, port: number, protocol: 'tcp' | 'http' | 'tls' = 'tcp', more = {}) => ({
  host,
  ports: [port],
  protocol,
  private: ['127.0.0.1/32'],
  ...more,
})

export interface Probed {
  readonly reason: string
  readonly exitCode: number
  /** what was tried, and `result detail` */
  readonly heard: Readonly<Record<string, string>>
  /** `name-or-address verdict problem`, each once */
  readonly record: readonly string[]
  /** status of the claim that every attempt is on record, and why */
  readonly recorded: string
  readonly stderr: string
}

/** The job: probe.py with these attempts. */
export function probing(
  glovebox: Glovebox,
  policy: Policy,
  attempts: readonly string[],
  options: RunOptions = {},
) {
  return glovebox.run(policy, ['python3', 'probe.py', ...attempts], {
    ...options,
    inputs: { 'probe.py': Buffer.from(PROBE), ...options.inputs },
  })
}

export async function probed(...args: Parameters<typeof probing>): Promise<Probed> {
  return read(await probing(...args))
}

export function read({ reason, exitCode, stdout, stderr, report }: RunResult): Probed {
  const lines = Buffer.from(stdout).toString().split('\n')
  const heard = lines
    .map((line) => line.split('\t'))
    .filter(({ length }) => length === 3)
    .map(([attempt = '', result, detail]) => [attempt, `${result} ${detail}`.trim()])
  return {
    reason,
    exitCode,
    heard: Object.fromEntries(heard),
    record: recordOf(report),
    recorded: recordedOf(report),
    stderr: Buffer.from(stderr).toString(),
  }
}

export function recordOf({ network }: Report): string[] {
  const each = network.map(({ name, address, verdict, problem }) =>
    [name ?? address, verdict, problem].filter((word) => word !== undefined).join(' '),
  )
  return [...new Set(each)].sort()
}

const recordedOf = ({ claims }: Report) => {
  const claim = claims.find(({ id }) => id === 'network.recorded')
  return `${claim?.status}: ${claim?.by.join(' ')}`
}

/** Servers on this host's loopback, until `close`. */
export class FarSide {
  readonly #servers: Server[] = []
  readonly open = new Set<Socket>()

  serve(server: Server, host = '127.0.0.1', port = 0): Promise<number> {
    this.#servers.push(server)
    server.on('connection', (socket: Socket) => {
      this.open.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => this.open.delete(socket))
    })
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => resolve((server.address() as { port: number }).port))
    })
  }

  tcp(onConnection: (socket: Socket) => void, host?: string, port?: number): Promise<number> {
    return this.serve(createServer({ allowHalfOpen: true }, onConnection), host, port)
  }

  /** on an abstract socket */
  abstract(name: string, onConnection: (socket: Socket) => void): Promise<void> {
    const server = createServer(onConnection)
    this.#servers.push(server)
    return new Promise((resolve, reject) => server.once('error', reject).listen(`\0${name}`, resolve))
  }

  /** says something every now and then, without end */
  dripping(): Promise<number> {
    return this.tcp((socket) => {
      const timer = setInterval(() => socket.write('drip\n'), 10)
      socket.once('close', () => clearInterval(timer))
      socket.resume()
    })
  }

  echoing(): Promise<number> {
    return this.tcp((socket) => socket.pipe(socket))
  }

  close(): void {
    for (const server of this.#servers) server.close()
    for (const socket of this.open) socket.destroy()
  }
}

/** Resolves when a run has said this. */
export function hasSaid(run: { readonly stdout: NodeJS.ReadableStream }, text: string): Promise<void> {
  let all = ''
  return new Promise((resolve) => {
    run.stdout.on('data', (chunk: Buffer) => {
      all += chunk
      if (all.includes(text)) resolve()
    })
    run.stdout.on('close', () => resolve())
  })
}

/** Waits until it is so; one that waits for ever is ended by its runner. */
export async function until(so: () => boolean): Promise<void> {
  while (!so()) await sleep(10)
}

/** The scenarios that are asked for, at once; prints what came of each, as JSON. */
export async function play(scenarios: Readonly<Record<string, () => Promise<unknown>>>): Promise<void> {
  const names = process.argv.slice(2)
  const wanted = Object.entries(scenarios).filter(([name]) => names.length === 0 || names.includes(name))
  const played = await Promise.all(
    wanted.map(async ([name, scenario]) => [
      name,
      await scenario().catch((error: Error) => ({ thrown: error.stack ?? String(error) })),
    ]),
  )
  process.stdout.write(JSON.stringify(Object.fromEntries(played)))
}
