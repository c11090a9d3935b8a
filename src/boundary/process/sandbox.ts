import { Socket } from 'node:net'
import { constants } from 'node:os'
import { type Readable, Writable } from 'node:stream'
import { LaunchError } from '../../errors/index.js'
import type { HostFacts } from '../../host/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import { jobFilters } from '../../syscalls/index.js'
import type {
  CollectedEntry,
  Command,
  CommandEnd,
  NetworkEnd,
  RunningSandbox,
  SandboxEnd,
  TerminalSize,
} from '../boundary.js'
import { jobLabel } from './confinement.js'
import { type AgentSettings, Conversation } from './conversation.js'
import { launchFailure } from './failure.js'
import type { EndedNews, Launcher, NetworkNews, PassedHandle, Stream } from './launcher.js'
import { networkSeen } from './network.js'
import { filterOptions, isNetworked, launchRequest, type RequestOptions } from './request.js'
import { rlimits } from './rlimits.js'
import { NO_WALL, secondWallSeen, wall } from './wall.js'

/** How long the sandbox gets to end by itself when its lifeline closes, before it is killed from outside, ms. */
const GRACE_MS = 200

const STREAMS: readonly Stream[] = ['control', 'stdin', 'stdout', 'stderr']

/** What is told for a plan, the same for all its sandboxes. */
export interface Said {
  /** to cell */
  readonly request: Buffer
  /** to the agent */
  readonly settings: AgentSettings
  /** the ends of its network have to arrive before it can be used */
  readonly networked: boolean
}

export function said(plan: Plan, host: HostFacts, options: RequestOptions = {}): Said {
  const { inForce = InForce.all } = options
  const request = launchRequest(plan, host, options)
  return { request, settings: agentSettings(plan, host, inForce), networked: isNetworked(plan, inForce) }
}

/** Starts a sandbox and gives it back as soon as it can be talked to. */
export function launchSandbox(
  launcher: Launcher,
  id: number,
  head: Buffer,
  { request, settings, networked }: Said,
  host: HostFacts,
): Promise<RunningSandbox> {
  return new Promise((resolve, reject) => {
    const handles = new Map<Stream, PassedHandle>()
    const network: (NetworkEnd & { readonly handle: PassedHandle })[] = []
    let seen: NetworkNews | null = null
    let sandbox: ProcessSandbox | null = null
    let ended: (news: EndedNews) => void
    const end = new Promise<EndedNews>((settle) => {
      ended = settle
    })
    launcher.start(id, head, request, {
      handle(name, handle, news) {
        if (name === 'connections' || name === 'names') network.push({ kind: name, handle })
        else handles.set(name, handle)
        seen = news ?? seen
        const complete = STREAMS.every((each) => handles.has(each)) && (seen !== null || !networked)
        if (sandbox !== null || !complete) return
        const ends = { handles, network, seen, news: end }
        sandbox = new ProcessSandbox(() => launcher.kill(id), ends, settings, host)
        resolve(sandbox)
      },
      ended(news) {
        ended(news)
        if (sandbox !== null) return
        for (const handle of handles.values()) handle.close?.()
        closeAll(network)
        const { what, get } = launchFailure(news.text, host)
        reject(new LaunchError('launch.failed', what, get))
      },
    })
  })
}

/** All that a sandbox is talked to by. */
interface Ends {
  readonly handles: ReadonlyMap<Stream, PassedHandle>
  readonly network: readonly (NetworkEnd & { readonly handle: PassedHandle })[]
  /** `null`: it has no network */
  readonly seen: NetworkNews | null
  readonly news: Promise<EndedNews>
}

/** Closing one that another end of the program has closed already does nothing. */
function closeAll(network: Ends['network']): void {
  for (const { handle } of network) handle.close?.()
}

/** Everything that does not change from run to run. */
function agentSettings(plan: Plan, host: HostFacts, inForce: InForce): AgentSettings {
  return {
    workdir: plan.files.workdir,
    env: plan.env,
    deadlineMs: plan.lifetime.deadlineMs,
    label: inForce.on('security-module') ? jobLabel(host) : null,
    wall: inForce.on('landlock') ? wall(plan, host) : NO_WALL,
    filters: jobFilters(filterOptions(plan, host, inForce)),
    rlimits: rlimits(plan, host, inForce),
  }
}

class ProcessSandbox implements RunningSandbox {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  readonly network: readonly NetworkEnd[]
  readonly commandEnd: Promise<CommandEnd>
  readonly #kill: () => void
  readonly #conversation: Conversation
  readonly #settings: AgentSettings
  readonly #host: HostFacts
  readonly #ends: Ends
  readonly #running: Promise<void>
  #started = false
  #landlockAbi = 0
  #hasTerminal = false
  #end: Promise<SandboxEnd> | null = null

  constructor(kill: () => void, ends: Ends, agent: AgentSettings, host: HostFacts) {
    const { handles, news } = ends
    this.#ends = ends
    this.network = ends.network
    const stream = (end: Stream, readable: boolean, writable: boolean) => {
      // `handle` is what net itself uses for streams it was given; its type is not published
      const options = { handle: handles.get(end), readable, writable }
      const socket = new Socket(options as unknown as ConstructorParameters<typeof Socket>[0])
      return socket.on('error', () => {}) // the other end is the job's to break; what counts is how the run ends
    }
    this.#kill = kill
    this.#settings = agent
    this.#host = host
    this.#conversation = new Conversation(stream('control', true, true))
    news.then(({ orphaned }) => {
      if (orphaned) this.#conversation.hangUp()
    })
    this.stdin = pipeIn(stream('stdin', false, true))
    this.stdout = stream('stdout', true, false)
    this.stderr = stream('stderr', true, false)
    let running: () => void = () => {}
    this.#running = new Promise((resolve) => {
      running = resolve
    })
    this.commandEnd = this.#conversation
      .commandEnd((landlockAbi) => {
        this.#started = true
        this.#landlockAbi = landlockAbi
        running()
      })
      .finally(running)
  }

  async run(command: Command): Promise<void> {
    this.#hasTerminal = command.terminal !== null
    await this.#conversation.start(command, this.#settings)
    await this.#running
  }

  signal(signal: number): void {
    this.#conversation.signal(signal)
  }

  resize(size: TerminalSize): void {
    if (this.#hasTerminal) this.#conversation.resize(size)
  }

  collect(place: string, below: string): AsyncIterable<CollectedEntry> {
    return this.#conversation.collect(place, below)
  }

  end(): Promise<SandboxEnd> {
    this.#end ??= this.#finish()
    return this.#end
  }

  async #finish(): Promise<SandboxEnd> {
    this.#conversation.close()
    this.stdin.destroy()
    const timer = setTimeout(this.#kill, GRACE_MS)
    const news = await this.#ends.news
    clearTimeout(timer)
    closeAll(this.#ends.network)
    const failed = !this.#started && !news.killed && news.oomKills === 0
    return {
      outOfMemory: news.oomKills > 0,
      cpuMs: news.cpuUs / 1000,
      peakMemoryBytes: news.peakMemoryBytes || news.maxRssBytes,
      forkRefusals: news.forkRefusals,
      observed: [
        ...(this.#landlockAbi === 0 ? [] : [secondWallSeen(this.#landlockAbi)]),
        ...networkSeen(this.#ends.seen),
      ],
      datagrams: news.datagrams,
      datagramsOmitted: news.datagramsOmitted,
      launchFailure: failed && news.status !== 0 ? launchFailure(news.text, this.#host) : null,
    }
  }
}

/** A pipe has no half-close: its end is the close itself, once everything was written. */
function pipeIn(socket: Socket): Writable {
  socket.on('error', () => {}) // the job closed its end, which it may
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      socket.write(chunk, (error) => done(brokenPipe(error ?? null)))
    },
    final(done) {
      socket.destroy()
      done()
    },
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
}

function brokenPipe(error: NodeJS.ErrnoException | null): Error | null {
  if (error === null) return null
  const broken: NodeJS.ErrnoException = new Error('the job closed its standard input')
  broken.code = 'EPIPE'
  broken.errno = -constants.errno.EPIPE
  return broken
}
