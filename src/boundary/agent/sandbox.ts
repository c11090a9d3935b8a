/** A sandbox in use, as far as its first process is asked and believed: the same wherever that runs. */
import type { Readable, Writable } from 'node:stream'
import type {
  CollectedEntry,
  Command,
  CommandEnd,
  Emptied,
  NetworkEnd,
  Observed,
  Reusable,
  RunningSandbox,
  SandboxEnd,
  TerminalSize,
  UsedUntilNow,
} from '../boundary.js'
import { type AgentSettings, Conversation } from './conversation.js'
import type { Streams } from './streams.js'
import { secondWallSeen } from './wall.js'

/** What the first process had to say, when its sandbox is to end. */
export interface LastWords {
  /** a command's own program ran */
  readonly ran: boolean
  /** … and its end was heard of */
  readonly ended: boolean
  readonly observed: readonly Observed[]
  /** takes what the job said last, and closes the lifeline */
  hangUp(): Promise<void>
}

/** What a boundary has of one. */
export interface Held {
  readonly streams: Streams
  readonly network: readonly NetworkEnd[]
  readonly settings: AgentSettings
  /** says whether those who would have ended the sandbox are gone: then its lifeline is closed from here; `null`: nobody would */
  readonly over: Promise<{ readonly orphaned: boolean }> | null
  /** ends it, whatever it does; called once */
  finish(first: LastWords): Promise<SandboxEnd>
  /** of a plan that says `reuse`: what it has used until now, which nothing of the job tells. Absent: it has one command */
  readonly used?: () => Promise<Omit<UsedUntilNow, 'observed'>>
}

/** What goes over from one command to the next. */
interface Before {
  readonly conversation: Conversation
  readonly landlockAbi: number | null
}

export class AgentSandbox implements RunningSandbox {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  readonly network: readonly NetworkEnd[]
  readonly commandEnd: Promise<CommandEnd>
  readonly reusable?: Reusable
  readonly #held: Held
  readonly #conversation: Conversation
  readonly #running: Promise<void>
  #isRunning: () => void = () => {}
  #commandEnded: (end: CommandEnd) => void = () => {}
  #isListening = false
  /** `null`: no command's program has run */
  #landlockAbi: number | null
  #hasTerminal = false
  #hasEnded = false
  #end: Promise<SandboxEnd> | null = null

  constructor(held: Held, before: Before | null = null) {
    const { streams, network, over, used } = held
    this.#held = held
    this.network = network
    this.stdin = streams.stdin
    this.stdout = streams.stdout
    this.stderr = streams.stderr
    this.#conversation = before?.conversation ?? new Conversation(streams.control)
    this.#landlockAbi = before?.landlockAbi ?? null
    this.#running = new Promise((resolve) => {
      this.#isRunning = resolve
    })
    this.commandEnd = new Promise<CommandEnd>((resolve) => {
      this.#commandEnded = resolve
    }).then((end) => {
      this.#hasEnded = end.kind !== 'lost' && end.kind !== 'broken'
      this.#isRunning()
      return end
    })
    if (used !== undefined) this.reusable = this.#reusable(used)
    // one that others are asked of before its command is listened to when that comes
    if (used === undefined) this.#listen()
    else streams.more?.over.then(() => this.#isListening || this.#commandEnded({ kind: 'lost' }))
    if (before === null)
      over?.then(({ orphaned }) => {
        if (orphaned) this.#conversation.hangUp()
      })
  }

  async run(command: Command): Promise<void> {
    this.#hasTerminal = command.terminal !== null
    this.#listen()
    await this.#conversation.start(command, this.#held.settings)
    await this.#running
  }

  #listen(): void {
    if (this.#isListening) return
    this.#isListening = true
    const started = (landlockAbi: number) => {
      this.#landlockAbi = landlockAbi
      this.#isRunning()
    }
    void this.#conversation.commandEnd(started).then(this.#commandEnded)
  }

  /**
   * A command of ours, which nobody asked for and of which nothing is left: the first of these that can be executed. The sandbox to go on with is as one in
   * which none has run. Rejects when it can't be had: then this one is of no use either. Its streams are carried.
   */
  async rehearse([command, ...others]: readonly Command[], emptied: Emptied): Promise<AgentSandbox> {
    if (command === undefined) return this
    for (const each of [this.stdout, this.stderr]) each.resume()
    this.stdin.end()
    await this.run(command)
    const { kind } = await this.commandEnd
    const held = { ...this.#held, streams: await this.#renewed(emptied) }
    const next = new AgentSandbox(held, { conversation: this.#conversation, landlockAbi: null })
    return kind === 'notStarted' ? next.rehearse(others, emptied) : next
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
    this.#end ??= this.#held.finish({
      ran: this.#landlockAbi !== null,
      ended: this.#hasEnded,
      observed: this.#observed,
      hangUp: () => this.#hangUp(),
    })
    return this.#end
  }

  get #observed(): readonly Observed[] {
    return this.#landlockAbi ? [secondWallSeen(this.#landlockAbi)] : []
  }

  /** One that was lost has no last words, and one that said what can't be is not listened to. */
  async #hangUp(): Promise<void> {
    if (this.#hasEnded) await this.#held.streams.lastWords()
    this.#conversation.close()
    this.stdin.destroy()
  }

  #reusable(used: NonNullable<Held['used']>): Reusable {
    return {
      again: (emptied) => this.#again(emptied),
      used: async () => ({ ...(await used()), observed: this.#observed }),
      write: (input) => this.#conversation.write(input),
    }
  }

  async #again(emptied: Emptied): Promise<RunningSandbox> {
    const streams = await this.#renewed(emptied)
    const before = { conversation: this.#conversation, landlockAbi: this.#landlockAbi }
    return new AgentSandbox({ ...this.#held, streams }, before)
  }

  async #renewed(emptied: Emptied): Promise<Streams> {
    const { streams } = this.#held
    await streams.lastWords()
    const more = streams.more
    if (more === undefined) throw new TypeError('a sandbox whose streams are pipes has one command')
    return await more.renew(() => this.#conversation.again(emptied))
  }
}
