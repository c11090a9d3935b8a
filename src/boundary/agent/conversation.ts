/** What is said with one sandbox's first process, over its control socket or what stands for it. */
import type { Duplex } from 'node:stream'
import type { JobFilters } from '../../syscalls/index.js'
import type { CollectedEntry, Command, CommandEnd, Emptied, InputFile, TerminalSize } from '../boundary.js'
import type { JobLabel } from './confinement.js'
import { type AgentMessage, agentMessage, MAX_AGENT_FRAME } from './messages.js'
import type { Wall } from './wall.js'
import { FrameReader, frame, MalformedFrame, u32, u64 } from './wire.js'

/** What the agent needs to know besides the command. */
export interface AgentSettings {
  readonly workdir: string
  readonly env: Readonly<Record<string, string>>
  readonly deadlineMs: number
  /** what the security module executes the job's program under; `null`: what it has Glovebox itself under */
  readonly label: JobLabel | null
  /** what Landlock lets the job do, where the kernel has it */
  readonly wall: Wall
  /** the filter of the whole sandbox, where the job's first process sets it on itself; `null`: it is set already */
  readonly firstFilter: Uint8Array | null
  /** what the job's first process sets on itself; see `syscalls/gate.ts` */
  readonly filters: JobFilters | null
  /** RLIMIT_* number, soft and hard */
  readonly rlimits: readonly (readonly [resource: number, soft: number, hard: number])[]
}

const CHUNK = 64 * 1024

function unmade(message: AgentMessage | null, malformed: string | null): Error {
  if (message === null) return new MalformedFrame(malformed ?? 'the sandbox ended')
  if (message.kind === 'ended' && message.end.kind === 'broken') return new Error(message.end.detail)
  return new MalformedFrame(`it said "${message.kind}" where it was asked for something else`)
}

function raw(value: string): Buffer {
  if (value.includes('\0')) throw new RangeError('a NUL in a text for the sandbox')
  return Buffer.from(value)
}

function sizeFrame({ rows, columns }: TerminalSize): Buffer {
  return frame('y', u32(rows), u32(columns))
}

export class Conversation {
  readonly #socket: Duplex
  readonly #messages: AsyncGenerator<AgentMessage, void>
  /** set when the other side said what it never says: it is not believed any more */
  #malformed: string | null = null

  constructor(socket: Duplex) {
    this.#socket = socket
    socket.on('error', () => {}) // its end is what counts
    this.#messages = this.#read()
  }

  async start(command: Command, settings: AgentSettings): Promise<void> {
    const lock = settings.filters?.lock ?? null
    const { terminal } = command
    const own = { ...settings.env, ...command.env }
    const env = terminal === null ? own : { TERM: terminal.name, ...own }
    const frames = [
      frame('w', raw(settings.workdir)),
      ...Object.entries(env).map(([name, value]) => frame('v', raw(`${name}=${value}`))),
      ...command.argv.map((item) => frame('x', raw(item))),
      ...settings.rlimits.map(([resource, soft, hard]) => frame('r', u32(resource), u64(soft), u64(hard))),
      frame('t', u32(command.deadlineMs ?? settings.deadlineMs)),
      ...(settings.label === null ? [] : [frame('c', u32(settings.label.module), raw(settings.label.text))]),
      frame('a', u32(settings.wall.leastAbi)),
      ...settings.wall.places.map(({ rights, path }) => frame('p', u32(rights), raw(path))),
      ...(settings.firstFilter === null ? [] : [frame('h', settings.firstFilter)]),
      ...(settings.filters === null
        ? []
        : [frame('k', settings.filters.gate), frame('j', settings.filters.filter)]),
      ...(lock === null ? [] : [frame('l', u32(lock.oneExec ? 1 : 0), raw(lock.line))]),
      ...(terminal === null ? [] : [sizeFrame(terminal)]),
    ]
    await this.#write(Buffer.concat(frames))
    for (const input of command.inputs) await this.#putIn(input)
    await this.#write(frame('g'))
  }

  /** The last command is over; resolves when another can be started. Rejects when it can't. */
  async again({ folders, ipc }: Emptied): Promise<void> {
    const places = folders.flatMap(({ path, mode }) => [u32(mode), raw(path), Buffer.alloc(1)])
    await this.#write(frame('n', u32(ipc ? 1 : 0), ...places))
    const message = await this.#next()
    if (message?.kind !== 'ready') throw unmade(message, this.#malformed)
  }

  /** A file, while no command runs. Rejects with why it could not be made. */
  async write(input: InputFile): Promise<void> {
    await this.#putIn(input)
    await this.#write(frame('e'))
    const message = await this.#next()
    if (message?.kind !== 'sent') throw unmade(message, this.#malformed)
  }

  async #putIn(input: InputFile): Promise<void> {
    const folder = input.path.slice(0, input.path.lastIndexOf('/'))
    await this.#write(Buffer.concat([frame('d', raw(folder)), frame('f', u32(input.mode), raw(input.path))]))
    for await (const chunk of input.content)
      for (let at = 0; at < chunk.length; at += CHUNK)
        await this.#write(frame('b', chunk.subarray(at, at + CHUNK)))
  }

  /** `onStarted` is called when the command's own program runs, with the ABI of Landlock that holds it, or 0. */
  async commandEnd(onStarted: (landlockAbi: number) => void): Promise<CommandEnd> {
    for (let started = false; ; started = true) {
      const message = await this.#next()
      if (message === null)
        return this.#malformed === null ? { kind: 'lost' } : { kind: 'broken', detail: this.#malformed }
      if (message.kind === 'ended') return message.end
      if (message.kind !== 'started' || started)
        return { kind: 'broken', detail: `it said "${message.kind}" while a command ran` }
      onStarted(message.landlockAbi)
    }
  }

  signal(signal: number): void {
    if (!this.#socket.destroyed) this.#socket.write(frame('s', u32(signal)))
  }

  resize(size: TerminalSize): void {
    if (!this.#socket.destroyed) this.#socket.write(sizeFrame(size))
  }

  /** Each file's content must be read to its end before the next entry is asked for. */
  async *collect(place: string, below: string): AsyncGenerator<CollectedEntry> {
    await this.#write(frame('o', raw(place), Buffer.alloc(1), raw(below)))
    for (;;) {
      const message = await this.#next()
      if (message === null)
        throw new MalformedFrame(this.#malformed ?? 'the sandbox ended while its files were read')
      if (message.kind === 'sent') return
      if (message.kind === 'file') yield { ...message, content: this.#content(message.bytes) }
      else if (message.kind === 'folder') yield message
      else if (message.kind === 'refused' || message.kind === 'missing') {
        yield message
        if ((await this.#next())?.kind !== 'sent') throw new MalformedFrame('more after the end of the files')
        return
      } else throw new MalformedFrame(`"${message.kind}" among files`)
    }
  }

  /** Closes the agent's lifeline; what it still says, its end above all, can be read. */
  hangUp(): void {
    if (!this.#socket.destroyed) this.#socket.end()
  }

  close(): void {
    this.#socket.destroy()
  }

  async *#content(bytes: number): AsyncGenerator<Uint8Array> {
    for (let left = bytes; left > 0; ) {
      const message = await this.#next()
      if (message?.kind !== 'content' || message.bytes.length === 0 || message.bytes.length > left)
        throw new MalformedFrame(this.#malformed ?? 'a file whose bytes are not what it said')
      left -= message.bytes.length
      yield message.bytes
    }
  }

  async #next(): Promise<AgentMessage | null> {
    const { value, done } = await this.#messages.next()
    return done ? null : value
  }

  /** Reads only as fast as it is asked: a sandbox can't fill our memory. */
  async *#read(): AsyncGenerator<AgentMessage, void> {
    const reader = new FrameReader(MAX_AGENT_FRAME)
    try {
      for await (const chunk of this.#socket)
        for (const each of reader.push(chunk as Buffer)) yield agentMessage(each)
    } catch (error) {
      if (error instanceof MalformedFrame) this.#malformed = error.message
    } finally {
      this.#socket.destroy()
    }
  }

  /** The other side may be gone: that shows in its end, not here. */
  async #write(bytes: Buffer): Promise<void> {
    if (this.#socket.destroyed || this.#socket.write(bytes)) return
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#socket.off('drain', done)
        this.#socket.off('close', done)
        resolve()
      }
      this.#socket.on('drain', done)
      this.#socket.on('close', done)
    })
  }
}
