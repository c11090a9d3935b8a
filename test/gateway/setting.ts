/** A gateway as it runs, a network namespace in place of a sandbox, and servers on this host's loopback. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import {
  type Attachment,
  type Attempts,
  type CredentialIssue,
  type Gateway,
  startGateway,
} from '../../src/gateway/index.js'
import { RESOLVER } from '../../src/network/index.js'
import type { NetworkPlan, NetworkRule } from '../../src/plan/index.js'
import type { NetworkAttempt } from '../../src/report/index.js'
import { hostOf } from '../../src/sandbox/index.js'
import { sharedFolder } from '../support/checkout.js'
import { Namespace } from './namespace.js'

const NO_BUDGET: NetworkRule['budget'] = {
  maxUploadBytes: null,
  maxDownloadBytes: null,
  maxConnections: null,
  maxRate: null,
}

type Protocol = NetworkRule['ports'][number]['protocol']

/** A rule for the host on the loopback, unless told otherwise. */
export function rule(
  name: string,
  ports: Readonly<Record<number, Protocol>>,
  more: Partial<NetworkRule> = {},
): NetworkRule {
  return {
    name: `network.allow[${name}]`,
    host: { kind: 'name', name },
    ports: Object.entries(ports).map(([port, protocol]) => ({ port: Number(port), protocol })),
    inspect: false,
    methods: null,
    paths: null,
    upgrade: false,
    private: ['127.0.0.1/32'],
    ...more,
    budget: { ...NO_BUDGET, ...more.budget },
  }
}

interface More {
  readonly budget?: Partial<NetworkPlan['budget']>
  readonly timeouts?: Partial<NetworkPlan['timeouts']>
}

export function planOf(rules: readonly NetworkRule[], { budget, timeouts }: More = {}): NetworkPlan {
  return {
    rules,
    loopback: false,
    resolver: RESOLVER,
    budget: { maxUploadBytes: 1e9, maxDownloadBytes: 1e9, maxConnections: 256, maxRate: 1000, ...budget },
    timeouts: { connectMs: 3000, headMs: 3000, idleMs: 5000, ...timeouts },
  }
}

/** Gateway and namespace of one test file. */
export class Setting {
  gateway: Gateway
  readonly job = new Namespace(RESOLVER)
  /** PEM: of the last sandbox with inspected rules */
  authority = ''
  readonly #options: Parameters<typeof startGateway>[0]
  readonly #closers: (() => void)[] = []

  constructor(options: Omit<Parameters<typeof startGateway>[0], 'host'> = {}) {
    this.#options = { host: hostOf(), hosts: {}, resolvers: ['127.0.0.1:9'], ...options }
    this.gateway = startGateway(this.#options)
  }

  /** Another gateway, for when the first is gone. */
  again(): void {
    this.gateway = startGateway(this.#options)
  }

  /** Attaches a sandbox whose ports of the rules, and `more`, are listened on, as where the kernel has no TPROXY. */
  async attach(
    plan: NetworkPlan,
    more: readonly number[] = [],
    credentials: readonly CredentialIssue[] = [],
  ): Promise<Attachment> {
    const ports = new Set([53, ...plan.rules.flatMap((each) => each.ports.map(({ port }) => port)), ...more])
    const sockets = await Promise.all([...ports].map((port) => this.job.listen(port)))
    const names = { kind: 'names' as const, handle: await this.job.names(RESOLVER) }
    const ends = [names, ...sockets.map(({ handle }) => ({ kind: 'connections' as const, handle }))]
    if (!plan.rules.some(({ inspect }) => inspect)) return this.gateway.attach(plan, ends)
    const reservation = await this.gateway.reserve(plan)
    this.authority = reservation.certificate
    return reservation.attach(ends, credentials)
  }

  /** `during` with a sandbox attached; then what it tried, and what `during` gave. */
  async during<T>(
    plan: NetworkPlan,
    during: (attachment: Attachment) => Promise<T>,
    credentials: readonly CredentialIssue[] = [],
  ): Promise<Attempts & { readonly value: T }> {
    const attachment = await this.attach(plan, [], credentials)
    try {
      const value = await during(attachment)
      return { ...(await attachment.end()), value }
    } finally {
      await attachment.end()
    }
  }

  /** A server on this host's loopback; each connection is counted. */
  async server(onConnection: (socket: Socket) => void, port = 0, host = '127.0.0.1'): Promise<Heard> {
    return this.serve(createServer({ allowHalfOpen: true, noDelay: true }, onConnection), port, host)
  }

  serve(server: Server, port = 0, host = '127.0.0.1'): Promise<Heard> {
    const heard = { port: 0, connections: 0, server }
    const sockets = new Set<Socket>()
    server.on('connection', (socket: Socket) => {
      heard.connections += 1
      socket.on('error', () => {})
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    this.#closers.push(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        heard.port = (server.address() as { port: number }).port
        resolve(heard)
      })
    })
  }

  onClose(close: () => void): void {
    this.#closers.push(close)
  }

  async close(): Promise<void> {
    for (const close of this.#closers) close()
    this.job.close()
    await this.gateway.close()
  }
}

export interface Heard {
  port: number
  connections: number
  readonly server: Server
}

/** What a client of the namespace saw of one TCP connection. */
export interface Talked {
  readonly end: 'closed' | 'reset' | 'silent' | string
  /** latin1 */
  readonly received: string
  readonly afterMs: number
}

export interface Line {
  /** ms after the line before */
  readonly after?: number
  /** base64 */
  readonly bytes: string
}

export const line = (text: string | Uint8Array, after = 0): Line => ({
  after,
  bytes: Buffer.from(typeof text === 'string' ? Buffer.from(text, 'latin1') : text).toString('base64'),
})

/** Connects from the namespace, says `lines`, and waits for the other side's end, `waitMs` at most. */
export function talk(
  job: Namespace,
  to: { readonly host: string; readonly port: number },
  lines: readonly Line[],
  { waitMs = 4000, end = false } = {},
): Promise<Talked> {
  return job.evaluate(
    async (require, host, port, said, wait, ends) => {
      const { connect } = require('node:net') as typeof import('node:net')
      const started = Date.now()
      return new Promise<Talked>((resolve) => {
        let received = ''
        let how = 'closed'
        const socket = connect({ host, port, allowHalfOpen: true })
        const timer = setTimeout(() => {
          how = 'silent'
          socket.destroy()
        }, wait)
        socket.on('data', (chunk) => {
          received += chunk.toString('latin1')
        })
        socket.on('end', () => socket.end())
        socket.on('error', (error: NodeJS.ErrnoException) => {
          how = error.code === 'ECONNRESET' ? 'reset' : (error.code ?? 'error')
        })
        socket.on('close', () => {
          clearTimeout(timer)
          resolve({ end: how, received, afterMs: Date.now() - started })
        })
        socket.on('connect', async () => {
          for (const { after, bytes } of said) {
            if (after) await new Promise((done) => setTimeout(done, after))
            if (!socket.writable) return
            socket.write(Buffer.from(bytes, 'base64'))
          }
          if (ends) socket.end()
        })
      })
    },
    to.host,
    to.port,
    lines,
    waitMs,
    end,
  )
}

/** What was tried on the network, one word a field: `tls good.test allow`. */
export const summary = (attempts: readonly NetworkAttempt[]) =>
  attempts.map(({ protocol, name, address, verdict }) => `${protocol} ${name ?? address} ${verdict}`)

export const find = (attempts: readonly NetworkAttempt[], verdict: string) =>
  attempts.find((attempt) => attempt.verdict === verdict)

/** A certificate for names under .test, its own authority. */
export function certificate(...names: readonly string[]): { key: Buffer; cert: Buffer; file: string } {
  const folder = sharedFolder()
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync(
    'openssl',
    ['req', ...kind, '-subj', `/CN=${names[0]}`, '-addext', subject, '-keyout', key, '-out', cert],
    { stdio: 'ignore' },
  )
  return { key: readFileSync(key), cert: readFileSync(cert), file: cert }
}

/** Pids of the processes below `pid` that run as the gateway, its bubblewrap included. */
export function gatewaysOf(pid: number): number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n')
  const all = rows
    .map((row) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row))
    .map((found) => ({
      pid: Number(found?.[1]),
      parent: Number(found?.[2]),
      args: found?.[3] ?? '',
    }))
  const below = (parent: number): typeof all =>
    all.filter((each) => each.parent === parent).flatMap((each) => [each, ...below(each.pid)])
  return below(pid)
    .filter(({ args }) => args.includes('/gateway/start.cjs'))
    .map(({ pid }) => pid)
}
