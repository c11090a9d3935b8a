/** A sandbox in use, as far as its first process is asked and believed: the same wherever that runs. */
import type { Readable, Writable } from 'node:stream'
import type {
  CollectedEntry,
  Command,
  CommandEnd,
  NetworkEnd,
  Observed,
  RunningSandbox,
  SandboxEnd,
  TerminalSize,
} from '../boundary.js'
import { type AgentSettings, Conversation } from './conversation.js'
import type { Streams } from './streams.js'
import { secondWallSeen } from './wall.js'

/** What the first process had to say, when its sandbox is to end. */
export interface LastWords {
  /** the command's own program ran */
  readonly ran: boolean
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
}

export class AgentSandbox implements RunningSandbox {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  readonly network: readonly NetworkEnd[]
  readonly commandEnd: Promise<CommandEnd>
  readonly #held: Held
  readonly #conversation: Conversation
  readonly #running: Promise<void>
  /** `null`: the command's program has not run */
  #landlockAbi: number | null = null
  #hasTerminal = false
  #hasEnded = false
  #end: Promise<SandboxEnd> | null = null

  constructor(held: Held) {
    const { streams, network, over } = held
    this.#held = held
    this.network = network
    this.stdin = streams.stdin
    this.stdout = streams.stdout
    this.stderr = streams.stderr
    this.#conversation = new Conversation(streams.control)
    let running: () => void = () => {}
    this.#running = new Promise((resolve) => {
      running = resolve
    })
    this.commandEnd = this.#conversation
      .commandEnd((landlockAbi) => {
        this.#landlockAbi = landlockAbi
        running()
      })
      .then((end) => {
        this.#hasEnded = end.kind !== 'lost' && end.kind !== 'broken'
        return end
      })
      .finally(running)
    over?.then(({ orphaned }) => {
      if (orphaned) this.#conversation.hangUp()
    })
  }

  async run(command: Command): Promise<void> {
    this.#hasTerminal = command.terminal !== null
    await this.#conversation.start(command, this.#held.settings)
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
    this.#end ??= this.#held.finish({
      ran: this.#landlockAbi !== null,
      observed: this.#landlockAbi ? [secondWallSeen(this.#landlockAbi)] : [],
      hangUp: () => this.#hangUp(),
    })
    return this.#end
  }

  /** One that was lost has no last words, and one that said what can't be is not listened to. */
  async #hangUp(): Promise<void> {
    if (this.#hasEnded) await this.#held.streams.lastWords()
    this.#conversation.close()
    this.stdin.destroy()
  }
}
