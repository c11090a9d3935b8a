/** The supervisor's handle on the gateway's process. */
import type { ChildProcess } from 'node:child_process'
import { LaunchError, visible } from '../errors/index.js'
import type { NetworkPlan } from '../plan/index.js'
import { inTime } from '../waiting/index.js'
import { type Attaching, couldBeDumped, type GatewayEnd, type Reserving, refusedBecause } from './asked.js'
import { AttachedSandbox, type Attachment } from './attachment.js'
import { guardChannel } from './channel-guard.js'
import type { CredentialIssue, FromGateway, Resolution, ToGateway } from './messages.js'
import { readNews } from './news.js'
import type { StartedProcess } from './start.js'

/** A place for a sandbox whose TLS is looked into, before there is one: its authority is made, and the sandbox has to trust it. */
export interface Reservation {
  /** PEM */
  readonly certificate: string
  /** as {@link Gateway.attach}; leases begin with it */
  attach(
    ends: readonly GatewayEnd[],
    credentials?: readonly CredentialIssue[],
    keeps?: boolean,
  ): Promise<Attachment>
  /** Forgets the authority: no sandbox will be attached with it any more. May be called again. */
  release(): void
}

/** The process that is the network of sandboxes. */
export interface Gateway {
  /**
   * Gives a sandbox its network: the gateway takes the sockets, this process closes its own copies. The job may start when this has
   * resolved. Throws LaunchError when the gateway is not there, or ended meanwhile.
   * `keeps`: this process keeps its copies, for another time that the same sandbox is attached
   */
  attach(network: NetworkPlan, ends: readonly GatewayEnd[], keeps?: boolean): Promise<Attachment>
  /** Makes the authority of a sandbox that is about to be launched. Throws LaunchError as `attach` does. */
  reserve(network: NetworkPlan): Promise<Reservation>
  /** it is gone, and every network with it: another has to be started for the next sandbox */
  readonly ended: boolean
  /** Ends it now, whatever still uses it; resolves when it is gone. */
  close(): Promise<void>
}

/** How long it may take to take a sandbox, its own start included, and to give one back, which takes it a second at most; seconds. */
const PATIENCE = { attach: 30, detach: 10 } as const
/** How long a gateway whose process has ended may hold what it was heard by, ms. */
const CLOSE_MS = 5_000

export class GatewayProcess implements Gateway {
  readonly #child: ChildProcess
  readonly #coreOpen: string | null
  readonly #resolution: () => Resolution
  readonly #roots: () => readonly string[]
  readonly #sandboxes = new Map<number, AttachedSandbox>()
  readonly #reserving = new Map<number, Reserving>()
  readonly #exit: Promise<void>
  #exited: () => void = () => {}
  #told: Resolution | null = null
  #toldRoots: readonly string[] | null = null
  #next = 0
  #ended = false
  #complaint = ''

  /** @param roots PEM: the authorities that hosts are believed by; the same list as long as nothing has changed */
  constructor(
    { child, coreOpen }: StartedProcess,
    resolution: () => Resolution,
    roots: () => readonly string[],
  ) {
    this.#child = child
    this.#coreOpen = coreOpen
    this.#resolution = resolution
    this.#roots = roots
    child.stderr?.on('data', (chunk: Buffer) => {
      if (this.#complaint.length < 4096) this.#complaint += chunk.toString('latin1')
    })
    guardChannel(child, () => child.kill('SIGKILL'))
    child.on('message', (message) => this.#hear(readNews(message)))
    this.#exit = new Promise((resolve) => {
      this.#exited = resolve
    })
    child.on('error', (error) => {
      this.#complaint += error.message
      this.#gone()
    })
    child.on('exit', () => {
      this.#ended = true
      void inTime(this.#exit, CLOSE_MS, () => this.#leave())
    })
    // not at 'exit': what it told last may still have to be read
    child.on('close', () => this.#gone())
    this.#rest()
  }

  get ended(): boolean {
    return this.#ended
  }

  attach(network: NetworkPlan, ends: readonly GatewayEnd[], keeps = false): Promise<Attachment> {
    return this.#attach({ network, ends, credentials: [], authority: null, keeps })
  }

  async reserve(network: NetworkPlan): Promise<Reservation> {
    if (this.#ended) throw this.#lost()
    const id = this.#next++
    this.#work()
    const roots = this.#roots()
    if (roots !== this.#toldRoots) this.#send({ kind: 'roots', roots })
    this.#toldRoots = roots
    this.#send({ kind: 'authority', id, network })
    const made = new Promise<string>((resolve, reject) => {
      this.#reserving.set(id, { made: resolve, lost: reject })
    })
    this.#expect(made, PATIENCE.attach)
    try {
      return {
        certificate: await made,
        attach: (ends, credentials = [], keeps = false) =>
          this.#attach({ network, ends, credentials, authority: id, keeps }),
        release: () => {
          this.#send({ kind: 'release', id })
          if (this.#idle) this.#rest()
        },
      }
    } finally {
      this.#reserving.delete(id)
    }
  }

  get #idle(): boolean {
    return this.#sandboxes.size === 0 && this.#reserving.size === 0
  }

  async #attach({ network, ends, credentials, authority, keeps }: Attaching): Promise<Attachment> {
    const id = this.#next++
    const sandbox: AttachedSandbox = new AttachedSandbox(
      credentials.map(({ grant }) => grant.name),
      {
        detach: (ended) => {
          this.#send({ kind: 'detach', id })
          this.#expect(ended, PATIENCE.detach)
        },
        revoke: (name, done) => {
          this.#send({ kind: 'revoke', id, name })
          this.#expect(done, PATIENCE.detach)
        },
        renew: (name, value, livesMs) => this.#send({ kind: 'renew', id, name, value, livesMs }),
      },
    )
    try {
      if (this.#ended) throw this.#lost()
      if (credentials.length > 0 && this.#coreOpen !== null) throw couldBeDumped(this.#coreOpen)
      this.#sandboxes.set(id, sandbox)
      this.#work()
      const taken = sandbox.taken()
      this.#expect(taken, PATIENCE.attach)
      const resolution = this.#resolution()
      if (resolution !== this.#told) this.#send({ kind: 'resolution', resolution })
      this.#told = resolution
      this.#send({ kind: 'attach', id, network, ends: ends.length, credentials, authority })
      for (const { kind, handle } of ends) this.#send({ kind: 'end', id, end: kind }, handle)
      await taken
      return sandbox
    } catch (error) {
      // what it took of a sandbox that does not start is given back
      if (this.#sandboxes.has(id)) void sandbox.end()
      throw error
    } finally {
      if (!keeps) for (const { handle } of ends) closeHandle(handle)
    }
  }

  async close(): Promise<void> {
    this.#work()
    if (!this.#ended) this.#child.kill('SIGKILL')
    await this.#exit
  }

  /** Nobody waits for its answers any more. */
  #gone(): void {
    this.#ended = true
    for (const sandbox of this.#sandboxes.values()) sandbox.hearLost(this.#lost())
    this.#sandboxes.clear()
    for (const { lost } of this.#reserving.values()) lost(this.#lost())
    this.#reserving.clear()
    this.#exited()
  }

  /** A jail that is killed before it is whole leaves its gateway behind: with its line gone that one ends by itself, and is not heard. */
  #leave(): void {
    if (this.#child.connected) this.#child.disconnect()
    this.#child.stderr?.destroy()
    this.#gone()
  }

  #send(message: ToGateway, handle?: object): void {
    if (this.#ended || !this.#child.connected) return
    // a raw handle is sent as such, which the types leave out; a failure is heard of as the end of the process
    const send = this.#child.send as unknown as (
      message: ToGateway,
      handle: object | undefined,
      options: object,
      done: (error: Error | null) => void,
    ) => boolean
    send.call(this.#child, message, handle, {}, () => {})
  }

  /**
   * One that does not answer is stopped, or hangs: it serves nobody, and would keep each run from its end. Seconds of this process's
   * own loop, which may have been held up as well: however long, that counts as one.
   */
  #expect(answer: Promise<unknown>, seconds: number): void {
    let left = seconds
    const timer = setInterval(() => {
      left -= 1
      if (left <= 0) this.#child.kill('SIGKILL')
    }, 1000)
    const stop = () => clearInterval(timer)
    answer.then(stop, stop)
  }

  #hear(news: FromGateway | null): void {
    // what it says came from bytes of jobs; a word that it never says means that it is not itself any more
    if (news === null) return void this.#child.kill('SIGKILL')
    if (news.kind === 'ready') return
    const reserving = this.#reserving.get(news.id)
    if (reserving !== undefined) {
      if (news.kind === 'authority') reserving.made(news.certificate)
      else if (news.kind === 'refused') reserving.lost(refusedBecause(news.why))
      return
    }
    const sandbox = this.#sandboxes.get(news.id)
    if (sandbox === undefined) return
    if (news.kind === 'attached') sandbox.hearTaken()
    else if (news.kind === 'refused') sandbox.hearRefused(news.why)
    else if (news.kind === 'attempts') sandbox.hearAttempts(news.attempts, news.omitted)
    else if (news.kind === 'leases') {
      // it knows of no others
      if (!sandbox.hearLeases(news.leases)) this.#child.kill('SIGKILL')
    } else if (news.kind === 'detached') {
      this.#sandboxes.delete(news.id)
      if (this.#idle) this.#rest()
      sandbox.hearEnded()
    }
  }

  #lost(): LaunchError {
    const said = this.#complaint.trim().split('\n').slice(-1)[0] ?? ''
    return new LaunchError(
      'gateway.lost',
      `The gateway ended${said === '' ? '' : ` (${visible(said)})`}.`,
      'The sandboxes that it served have no network any more; the next one gets another.',
    )
  }

  /** Nothing under way keeps the caller's process alive. */
  #rest(): void {
    this.#child.unref()
    this.#child.channel?.unref()
    this.#pipe()?.unref?.()
  }

  #work(): void {
    this.#child.ref()
    this.#child.channel?.ref()
    this.#pipe()?.ref?.()
  }

  /** The streams of a child are sockets, which their types don't say. */
  #pipe(): { ref?(): void; unref?(): void } | null {
    return this.#child.stderr as object | null
  }
}

function closeHandle(handle: object): void {
  const { close } = handle as { close?: () => void }
  close?.call(handle)
}
