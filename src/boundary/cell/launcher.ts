/** The launcher process (native/cell), and the news it sends of each sandbox. */
import { type ChildProcess, spawn } from 'node:child_process'
import { PassThrough, type Writable } from 'node:stream'
import type { LaunchError } from '../../errors/index.js'
import type { HostFacts } from '../../host/index.js'
import { InForce } from '../../plan/index.js'
import { u32 } from '../agent/wire.js'
import type { RefusedDatagrams } from '../boundary.js'
import { findDamage, type NativePrograms, nativePrograms, programsBelow } from './native.js'

/** A raw stream handle as Node's channel delivers it; what it is made into decides how it is read. */
export interface PassedHandle {
  close?(): void
}

/** `wire`: all four, carried */
export type Stream = 'control' | 'stdin' | 'stdout' | 'stderr' | 'wire'
export type End = Stream | 'connections' | 'names'

/** Said with `names`, the last of a network's ends: what of it this kernel can. */
export interface NetworkNews {
  /** one socket hears every port; else those that rules name */
  readonly everyPort: boolean
  /** refused datagrams are told of */
  readonly datagrams: boolean
}

/** What cell says when nothing of a sandbox is left. */
export interface EndedNews {
  /** the launcher is gone, so this is no news of the sandbox: it may still be there */
  readonly orphaned: boolean
  /** as wait(2) gives it, of bubblewrap */
  readonly status: number
  readonly killed: boolean
  readonly cpuUs: number
  readonly maxRssBytes: number
  readonly peakMemoryBytes: number
  readonly oomKills: number
  readonly forkRefusals: number
  readonly datagrams: readonly RefusedDatagrams[]
  readonly datagramsOmitted: number
  /** what cell and bubblewrap wrote to standard error */
  readonly text: string
}

export interface Watcher {
  handle(end: End, handle: PassedHandle, network: NetworkNews | null): void
  ended(news: EndedNews): void
}

/** `datagrams` is a flag with `names` and a list at the end. */
interface News extends Partial<Omit<EndedNews, 'datagrams'>> {
  readonly everyPort?: boolean
  readonly datagrams?: boolean | EndedNews['datagrams']
  readonly id: number
  readonly end?: End
  readonly event?: 'ended' | 'refused' | 'used'
}

const GONE: EndedNews = {
  orphaned: true,
  status: 0,
  killed: true,
  cpuUs: 0,
  maxRssBytes: 0,
  peakMemoryBytes: 0,
  oomKills: 0,
  forkRefusals: 0,
  datagrams: [],
  datagramsOmitted: 0,
  text: 'cell: gone',
}

/** What workers become. */
export interface Program {
  readonly option: string
  /** absolute */
  readonly path: string
  readonly more: readonly string[]
}

/** One launcher. When it dies its sandboxes die with it, and each of their watchers is told. */
export class Launcher {
  readonly #child: ChildProcess
  readonly #requests: Writable
  readonly #watchers = new Map<number, Watcher>()
  readonly #asking = new Map<number, (news: EndedNews) => void>()
  readonly #exit: Promise<void>
  readonly #programs: NativePrograms
  /** `undefined`: not looked for */
  #damage: LaunchError | null | undefined
  #complaint = ''
  #ended = false

  constructor(host: HostFacts, program: Program, single: boolean, inForce = InForce.all) {
    const { leftOff } = inForce
    this.#programs = leftOff === null ? nativePrograms() : programsBelow(leftOff.builds)
    const bases = host.cgroups.bases.flatMap(({ kind, directory, occupied }) => [
      '--cgroup',
      `${occupied === true ? 'occupied' : kind}:${directory}`,
    ])
    const args = [
      ...(single ? ['--single'] : []),
      '--cell-sha256',
      this.#programs.expected.cell.sha256,
      '--agent-sha256',
      this.#programs.expected.agent.sha256,
      '--agent',
      this.#programs.agent,
      program.option,
      program.path,
      ...program.more,
      ...bases,
      ...(leftOff === null ? [] : ['--without', leftOff.ids]),
    ]
    // detached: a terminal's Ctrl-C is for the caller to pass on, not for the launcher to die of
    const child = spawn(this.#programs.cell, args, {
      stdio: ['pipe', 'ignore', 'pipe', 'ipc'],
      env: inForce.on('empty-environment') ? {} : process.env,
      detached: inForce.on('own-session'),
      cwd: '/',
    })
    this.#child = child
    // without a descriptor or a process to spare there are no streams; `error` below says why
    this.#requests = child.stdin ?? new PassThrough()
    this.#requests.on('error', () => {}) // the exit says it
    child.stderr?.on('data', (chunk: Buffer) => {
      if (this.#complaint.length < 4096) this.#complaint += chunk.toString('latin1')
    })
    child.on('message', (news, handle) => this.#hear(news as News, handle as PassedHandle | undefined))
    this.#exit = new Promise((resolve) => {
      const gone = () => {
        this.#ended = true
        const text = this.#complaint === '' ? GONE.text : this.#complaint
        for (const watcher of this.#watchers.values()) watcher.ended({ ...GONE, text })
        this.#watchers.clear()
        for (const answer of this.#asking.values()) answer(GONE)
        resolve()
      }
      child.on('error', (error) => {
        this.#complaint = `cell: spawn: ${error.message}`
        gone()
      })
      child.on('exit', () => {
        this.#ended = true
      })
      // not at 'exit': its last news, and what it complained of, may still have to be read
      child.on('close', gone)
    })
    this.#rest()
  }

  get ended(): boolean {
    return this.#ended
  }

  /**
   * What is wrong with the installation, when the launcher did not stay; `null`: nothing, or it is there. It checks itself
   * and the agent before it takes a request (native/cell/integrity.c); one that is no program any more can't.
   */
  damage(): LaunchError | null {
    if (!this.#ended) return null
    // once for all the sandboxes that were under way
    if (this.#damage === undefined) this.#damage = findDamage(this.#programs)
    return this.#damage
  }

  start(id: number, head: Buffer, request: Buffer, watcher: Watcher): void {
    this.#watchers.set(id, watcher)
    this.#work()
    this.#send(Buffer.concat([Buffer.from('L'), head, request]))
  }

  kill(id: number): void {
    if (!this.#ended && this.#watchers.has(id)) this.#send(Buffer.concat([Buffer.from('K'), u32(id)]))
  }

  /** What a sandbox has used until now, or how it has ended: its status is of the latter alone. One question at a time. */
  used(id: number): Promise<EndedNews> {
    if (this.#ended || !this.#watchers.has(id)) return Promise.resolve(GONE)
    this.#send(Buffer.concat([Buffer.from('U'), u32(id)]))
    return new Promise((resolve) => this.#asking.set(id, resolve))
  }

  /** ends all sandboxes, then the launcher; resolves when both are gone */
  async close(): Promise<void> {
    this.#work()
    if (!this.#ended) this.#requests.end()
    await this.#exit
  }

  #send(body: Buffer): void {
    this.#requests.write(Buffer.concat([u32(body.length), body]))
  }

  #hear(news: News, handle: PassedHandle | undefined): void {
    const watcher = this.#watchers.get(news.id)
    if (watcher === undefined) {
      handle?.close?.()
      return
    }
    if (handle !== undefined && news.end !== undefined) {
      watcher.handle(news.end, handle, networkNews(news))
      return
    }
    const datagrams = Array.isArray(news.datagrams) ? news.datagrams : []
    const told = { ...GONE, orphaned: false, ...news, datagrams }
    this.#asking.get(news.id)?.(told)
    this.#asking.delete(news.id)
    if (news.event === 'used') return
    this.#watchers.delete(news.id)
    if (this.#watchers.size === 0) this.#rest()
    if (news.event === 'ended') watcher.ended(told)
    else watcher.ended({ ...GONE, orphaned: false, text: 'cell: too many sandboxes at once' })
  }

  /** Nothing under way keeps the caller's process alive: one that forgets to close us can still end. */
  #rest(): void {
    this.#child.unref()
    this.#child.channel?.unref()
    for (const stream of this.#pipes()) stream.unref?.()
  }

  #work(): void {
    this.#child.ref()
    this.#child.channel?.ref()
    for (const stream of this.#pipes()) stream.ref?.()
  }

  /** Streams of a child are sockets, which their types don't say. */
  #pipes(): { ref?(): void; unref?(): void }[] {
    return [this.#child.stdin, this.#child.stderr].filter(Boolean) as object[]
  }
}

function networkNews({ everyPort, datagrams }: News): NetworkNews | null {
  return everyPort === undefined ? null : { everyPort, datagrams: datagrams === true }
}
