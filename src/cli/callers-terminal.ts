/**
 * The terminal that Glovebox was started from, while a job has one of its own: raw, and put back in the end. A small process of
 * its own keeps it (`native/cell/terminal.c`), so that it is put back even when this one is killed. Not Node's `setRawMode`,
 * which leaves the terminal turning line feeds into new lines: what a full-screen program draws would fall apart.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { type Duplex, PassThrough, type Readable } from 'node:stream'
import { isatty } from 'node:tty'
import { nativePrograms, type TerminalSize } from '../boundary/index.js'
import { LaunchError, UsageError } from '../errors/index.js'

const STDIN = 0
const STDOUT = 1
/** what a terminal without a size of its own gets, as everywhere */
const USUAL: TerminalSize = { columns: 80, rows: 24 }
/** ENQ asks for an answer; everything that moves, draws or asks begins with ESC or, in 8 bits, with a C1 character */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ACTS_ON_TERMINAL = /[\x05\x0e\x1b\x80-\x9f]/
/** saved by the terminal itself, because asking for it is what a safe one refuses */
const SAVE_TITLE = '\x1b[22;0t'
/** a keeper that says nothing more has a terminal that takes nothing more, ms */
const LONGEST_MS = 3_000

export class CallersTerminal {
  readonly #keeper: ChildProcess
  readonly #socket: Duplex
  readonly #hasScreen: boolean
  readonly #gone: Promise<void>
  #size: TerminalSize | null = null
  #heard = Buffer.alloc(0)
  #onSize: (size: TerminalSize) => void = () => {}
  #onBack: () => void = () => {}
  #touched = false
  #taken = false
  #tellRaw: () => void = () => {}
  readonly #isRaw: Promise<unknown>
  #ending: Promise<void> | null = null

  /**
   * @throws UsageError when standard input is no terminal: bytes from elsewhere would be echoed, cut into lines, and some of them
   * taken for keys
   */
  static async open(): Promise<CallersTerminal> {
    if (!isatty(STDIN))
      throw new UsageError(
        'tty.none',
        '--tty needs a terminal on standard input, and there is none.',
        'Leave --tty out: the job then has pipes, which pass every byte as it is.',
      )
    const terminal = new CallersTerminal()
    await new Promise<void>((resolve) => {
      terminal.#onSize = () => resolve()
      terminal.#gone.then(resolve)
    })
    if (terminal.#size === null)
      throw new LaunchError('tty.keeper', 'The program that looks after the terminal did not start.')
    return terminal
  }

  private constructor() {
    this.#hasScreen = isatty(STDOUT) && process.env.TERM !== 'dumb'
    this.#keeper = spawn(nativePrograms().cell, ['--terminal'], {
      stdio: ['inherit', this.#hasScreen ? 'inherit' : 'ignore', 'ignore', 'pipe'],
      env: {},
      cwd: '/',
    })
    // without a process to spare there are no streams; the keeper's error says it
    this.#socket = (this.#keeper.stdio[3] as Duplex | undefined) ?? new PassThrough()
    this.#socket.on('error', () => {}) // its exit says it
    this.#socket.on('data', (bytes: Buffer) => this.#hear(bytes))
    const raw = new Promise<void>((resolve) => {
      this.#tellRaw = resolve
    })
    this.#gone = new Promise((resolve) => {
      this.#keeper.once('exit', () => resolve())
      this.#keeper.once('error', () => resolve())
    })
    this.#isRaw = Promise.race([raw, this.#gone])
    process.on('SIGTSTP', () => this.#stop())
    process.on('SIGCONT', () => {
      if (this.#taken) this.#say('r')
    })
  }

  get size(): TerminalSize {
    return this.#size ?? USUAL
  }

  /** From now on every key is the job's, and `onSize` is told what the window becomes. */
  take(onSize: (size: TerminalSize) => void): void {
    this.#onSize = (size) => {
      this.#tellRaw()
      onSize(size)
    }
    this.#taken = true
    this.#say('r')
  }

  /** The job's output on its way to the screen, unchanged, and not before that takes it so; what must be put back is noted. */
  async *watched(output: Readable): AsyncGenerator<Buffer | string> {
    for await (const chunk of output as AsyncIterable<Buffer>) {
      await this.#isRaw
      if (!this.#touched && this.#hasScreen && ACTS_ON_TERMINAL.test(chunk.toString('latin1'))) {
        this.#touched = true
        this.#say('c')
        yield SAVE_TITLE
      }
      yield chunk
    }
  }

  /** Puts it back; may be called again. Standard input must not be read any more. */
  end(): Promise<void> {
    this.#ending ??= this.#finish()
    return this.#ending
  }

  async #finish(): Promise<void> {
    this.#onSize = () => {}
    this.#say('e')
    const timer = setTimeout(() => this.#keeper.kill('SIGKILL'), LONGEST_MS)
    await this.#gone
    clearTimeout(timer)
    this.#socket.destroy()
  }

  /** A stop that a person sent from elsewhere: the shell gets its terminal as it was, and we stop. */
  #stop(): void {
    this.#onBack = () => process.kill(process.pid, 'SIGSTOP')
    this.#say('s')
  }

  #say(word: string): void {
    if (!this.#socket.destroyed) this.#socket.write(word)
  }

  #hear(bytes: Buffer): void {
    this.#heard = Buffer.concat([this.#heard, bytes])
    for (;;) {
      const sized = this.#heard[0] === 'w'.charCodeAt(0)
      if (this.#heard.length < (sized ? 5 : 1)) return
      if (sized) this.#sized(this.#heard.readUInt16LE(1), this.#heard.readUInt16LE(3))
      else this.#onBack()
      this.#heard = this.#heard.subarray(sized ? 5 : 1)
    }
  }

  #sized(columns: number, rows: number): void {
    const { COLUMNS, LINES } = process.env
    const size = {
      columns: columns || counted(COLUMNS) || USUAL.columns,
      rows: rows || counted(LINES) || USUAL.rows,
    }
    this.#size = size
    this.#onSize(size)
  }
}

function counted(text: string | undefined): number {
  return text !== undefined && /^[1-9]\d{0,3}$/.test(text) ? Number(text) : 0
}
