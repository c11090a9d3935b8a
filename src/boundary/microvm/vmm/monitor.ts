/** What is said to a VMM that saves its machine: QMP, one question at a time. */
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { JAIL, SAVED } from './machine.js'

/** Of one answer, bytes. */
const LONGEST = 1024 * 1024
const LOOK_AGAIN_MS = 10

interface Waiting {
  resolve(answer: Record<string, unknown>): void
  reject(error: Error): void
}

/** https://www.qemu.org/docs/master/interop/qmp-spec.html. Its end is an error for whoever waits. */
export class Monitor {
  readonly #to: Writable
  #text = ''
  #waiting: Waiting | null = null
  #ended = false

  constructor(from: Readable, to: Writable) {
    this.#to = to
    to.on('error', () => {}) // its end is what counts
    from.on('data', (chunk: Buffer) => this.#hear(chunk.toString('utf8')))
    const end = () => this.#end()
    from.on('end', end).on('close', end).on('error', end)
  }

  /** Writes what the machine is, all but its memory, where `restoreWords` has it read. @throws Error */
  async save(): Promise<void> {
    const capability = 'x-ignore-shared' // the memory is a file already
    await this.#ask('qmp_capabilities')
    await this.#ask('migrate-set-capabilities', { capabilities: [{ capability, state: true }] })
    await this.#ask('migrate', { uri: `exec:cat > ${JAIL.saved}/${SAVED.state}` })
    for (;;) {
      const { status, 'error-desc': why } = await this.#ask('query-migrate')
      if (status === 'completed') return
      if (status === 'failed' || status === 'cancelled') throw new Error(String(why ?? status))
      await sleep(LOOK_AGAIN_MS)
    }
  }

  quit(): void {
    this.#ask('quit').catch(() => {}) // it ends instead of an answer
  }

  /** @throws Error with what the VMM said, or that it ended */
  async #ask(execute: string, given?: object): Promise<Record<string, unknown>> {
    if (this.#ended) throw new Error('it ended')
    const answer = new Promise<Record<string, unknown>>((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
    this.#to.write(`${JSON.stringify({ execute, arguments: given })}\n`)
    return await answer
  }

  #hear(text: string): void {
    this.#text += text
    if (this.#text.length > LONGEST) this.#end()
    for (let at = this.#text.indexOf('\n'); at >= 0; at = this.#text.indexOf('\n')) {
      const line = this.#text.slice(0, at)
      this.#text = this.#text.slice(at + 1)
      this.#take(JSON.parse(line) as Record<string, unknown>)
    }
  }

  /** Greetings and events are nothing that was asked for. */
  #take(said: Record<string, unknown>): void {
    const waiting = this.#waiting
    if (waiting === null || !('return' in said || 'error' in said)) return
    this.#waiting = null
    if ('error' in said) waiting.reject(new Error((said.error as { desc?: string }).desc ?? 'it refused'))
    else waiting.resolve((said.return ?? {}) as Record<string, unknown>)
  }

  #end(): void {
    this.#ended = true
    this.#waiting?.reject(new Error('it ended'))
    this.#waiting = null
  }
}
