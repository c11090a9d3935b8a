/** Someone at a terminal who starts Glovebox: real ptys, by Python's standard library. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { HANG } from '../run/tools.js'
import { ROOT } from '../support/checkout.js'
import type { TestUser } from '../support/users.js'

export const NO_DRIVER: string | null =
  spawnSync('python3', ['-c', 'import os; os.openpty()']).status === 0 ? null : 'python3 has no pty here'

interface Event {
  readonly pid?: number
  readonly shown?: string
  readonly modes?: string
  readonly ended?: number
  readonly left?: string
}

export class Seat {
  /** all that the terminal was given to show, one character a byte */
  shown = ''
  pid = 0
  /** as the terminal was before anything ran on it */
  modesBefore = ''
  modesAfter = ''
  readonly #child
  readonly #waiting = new Set<() => void>()
  #status: number | null = null
  #asked: Event = {}
  #gone = false

  constructor(argv: readonly string[], [columns, rows]: readonly [number, number], env?: NodeJS.ProcessEnv) {
    const driver = join(ROOT, 'test/terminal/driver.py')
    this.#child = spawn('python3', [driver, `${columns}`, `${rows}`, ...argv], {
      cwd: '/',
      stdio: ['pipe', 'pipe', 'inherit'],
      ...HANG,
      ...(env === undefined ? {} : { env }),
    })
    this.#child.stdin.on('error', () => {})
    createInterface(this.#child.stdout).on('line', (line) => this.#hear(JSON.parse(line) as Event))
    this.#child.on('close', () => {
      this.#gone = true
      for (const look of this.#waiting) look()
    })
  }

  type(text: string): void {
    this.#tell({ type: text })
  }

  resize(columns: number, rows: number): void {
    this.#tell({ resize: [columns, rows] })
  }

  signal(name: 'SIGTERM' | 'SIGKILL' | 'SIGTSTP' | 'SIGCONT' | 'SIGINT'): void {
    this.#tell({ signal: constants.signals[name] })
  }

  /** From now on the terminal answers what it is asked, this much later. */
  answer(seconds: number, modern: boolean): void {
    this.#tell({ answer: seconds, modern })
  }

  /** resolves when the terminal shows this; `from`: looked for only behind what was shown first, so long */
  async sees(text: string | RegExp, from = 0): Promise<void> {
    const there = () => {
      const shown = this.shown.slice(from)
      return typeof text === 'string' ? shown.includes(text) : text.test(shown)
    }
    await this.#until(() => there() || this.#status !== null || this.#gone)
    assert.ok(there(), `it ended, and never showed ${text}: ${JSON.stringify(this.shown)}`)
  }

  async modes(): Promise<string> {
    this.#asked = {}
    this.#tell({ modes: true })
    await this.#until(() => this.#asked.modes !== undefined)
    return this.#asked.modes ?? ''
  }

  /** exit code of what ran here, as a shell would show it */
  async ended(): Promise<number> {
    await this.#until(() => this.#status !== null || this.#gone)
    assert.notEqual(this.#status, null, this.shown)
    const status = this.#status ?? 0
    return (status & 0x7f) === 0 ? status >> 8 : 128 + (status & 0x7f)
  }

  /** what the next program on this terminal reads, that nobody typed for it */
  async left(): Promise<string> {
    this.#asked = {}
    this.#tell({ left: true })
    await this.#until(() => this.#asked.left !== undefined)
    return this.#asked.left ?? ''
  }

  /** gets up, and leaves nothing behind */
  async leave(): Promise<void> {
    this.#child.stdin.end()
    await this.#until(() => this.#gone)
  }

  #tell(what: object): void {
    this.#child.stdin.write(`${JSON.stringify(what)}\n`)
  }

  #hear(event: Event): void {
    if (event.pid !== undefined) {
      this.pid = event.pid
      this.modesBefore = event.modes ?? ''
    }
    if (event.shown !== undefined) this.shown += event.shown
    if (event.ended !== undefined) {
      this.#status = event.ended
      this.modesAfter = event.modes ?? ''
    }
    this.#asked = { ...this.#asked, ...event }
    for (const look of this.#waiting) look()
  }

  #until(there: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!there() && !this.#gone) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }
}

export const TTY = (...argv: string[]): string[] => ['run', '--tty', '--deadline', '50s', '--', ...argv]

/** `glovebox ARGS`, started by this user at a terminal of 90 columns and 25 rows. */
export function seated(user: TestUser, args: readonly string[], env?: NodeJS.ProcessEnv): Seat {
  return new Seat(user.as(user.cli(args)), [90, 25], env)
}
