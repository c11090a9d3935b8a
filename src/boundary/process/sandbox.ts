import { Socket } from 'node:net'
import { constants } from 'node:os'
import { type Readable, Writable } from 'node:stream'
import { LaunchError } from '../../errors/index.js'
import type { HostFacts } from '../../host/index.js'
import type { Plan } from '../../plan/index.js'
import { jobFilters } from '../../syscalls/index.js'
import type {
  CollectedEntry,
  Command,
  CommandEnd,
  RunningSandbox,
  SandboxEnd,
  TerminalSize,
} from '../boundary.js'
import { jobLabel } from './confinement.js'
import { type AgentSettings, Conversation } from './conversation.js'
import { launchFailure } from './failure.js'
import type { End, EndedNews, Launcher, PassedHandle } from './launcher.js'
import { filterOptions } from './request.js'
import { rlimits } from './rlimits.js'
import { secondWallSeen, wall } from './wall.js'

/** How long the sandbox gets to end by itself when its lifeline closes, before it is killed from outside, ms. */
const GRACE_MS = 200

const ENDS: readonly End[] = ['control', 'stdin', 'stdout', 'stderr']

/** Starts a sandbox and gives it back as soon as it can be talked to. */
export function launchSandbox(
  launcher: Launcher,
  id: number,
  head: Buffer,
  request: Buffer,
  settings: AgentSettings,
  host: HostFacts,
): Promise<RunningSandbox> {
  return new Promise((resolve, reject) => {
    const handles = new Map<End, PassedHandle>()
    let sandbox: ProcessSandbox | null = null
    let ended: (news: EndedNews) => void
    const end = new Promise<EndedNews>((settle) => {
      ended = settle
    })
    launcher.start(id, head, request, {
      handle(name, handle) {
        handles.set(name, handle)
        if (sandbox === null && ENDS.every((each) => handles.has(each))) {
          sandbox = new ProcessSandbox(() => launcher.kill(id), handles, end, settings, host)
          resolve(sandbox)
        }
      },
      ended(news) {
        ended(news)
        if (sandbox !== null) return
        for (const handle of handles.values()) handle.close?.()
        const { what, get } = launchFailure(news.text, host)
        reject(new LaunchError('launch.failed', what, get))
      },
    })
  })
}

/** Everything that does not change from run to run. */
export function agentSettings(plan: Plan, host: HostFacts): AgentSettings {
  return {
    workdir: plan.files.workdir,
    env: plan.env,
    deadlineMs: plan.lifetime.deadlineMs,
    label: jobLabel(host),
    wall: wall(plan, host),
    filters: jobFilters(filterOptions(plan, host)),
    rlimits: rlimits(plan, host),
  }
}

class ProcessSandbox implements RunningSandbox {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  readonly commandEnd: Promise<CommandEnd>
  readonly #kill: () => void
  readonly #conversation: Conversation
  readonly #settings: AgentSettings
  readonly #host: HostFacts
  readonly #news: Promise<EndedNews>
  readonly #running: Promise<void>
  #started = false
  #landlockAbi = 0
  #hasTerminal = false
  #end: Promise<SandboxEnd> | null = null

  constructor(
    kill: () => void,
    handles: ReadonlyMap<End, PassedHandle>,
    news: Promise<EndedNews>,
    agent: AgentSettings,
    host: HostFacts,
  ) {
    const stream = (end: End, readable: boolean, writable: boolean) => {
      // `handle` is what net itself uses for streams it was given; its type is not published
      const options = { handle: handles.get(end), readable, writable }
      const socket = new Socket(options as unknown as ConstructorParameters<typeof Socket>[0])
      return socket.on('error', () => {}) // the other end is the job's to break; what counts is how the run ends
    }
    this.#kill = kill
    this.#settings = agent
    this.#host = host
    this.#news = news
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
    const news = await this.#news
    clearTimeout(timer)
    const failed = !this.#started && !news.killed && news.oomKills === 0
    return {
      outOfMemory: news.oomKills > 0,
      cpuMs: news.cpuUs / 1000,
      peakMemoryBytes: news.peakMemoryBytes || news.maxRssBytes,
      forkRefusals: news.forkRefusals,
      observed: this.#landlockAbi === 0 ? [] : [secondWallSeen(this.#landlockAbi)],
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
