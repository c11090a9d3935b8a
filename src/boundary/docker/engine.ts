/**
 * A local Docker Engine, by the few calls that a sandbox takes (https://docs.docker.com/reference/api/engine/). It asks for no image
 * by name from anywhere: the only request that makes one sends the bytes along.
 */
import * as answers from './answers.js'
import { type Attachment, attachment } from './attachment.js'
import type { CreateBody } from './create-body.js'
import { badAnswer, diskFull, EngineError } from './problems.js'
import { type Ask, CUT, lines, MAX_SENTENCE, namedProblem, read, Transport, what } from './transport.js'
import { type ApiVersion, negotiated, versionText } from './version.js'

export const DEFAULT_SOCKET = '/var/run/docker.sock'

/** Of answers that a sound engine gives at once, or in which a start has its time anyway; of importing and creating, which take disks, ms. */
const PROMPT_MS = 30_000
const PATIENT_MS = 120_000

/** Kinds of events; there are some twenty, and names of programs in some of them. */
const MOST_EVENTS = 100

type Labels = Readonly<Record<string, string>>

/** A container's end, which is awaited. */
export interface Waiting {
  /** @throws EngineError when the engine goes away first */
  readonly exit: Promise<answers.Exited>
}

/** A container's life, as the engine tells it. */
export interface Watching {
  /** `start`, `oom`, `die` … until now; of `oom` an engine hears late, and not at all where pid 1 ends right after */
  readonly seen: ReadonlySet<string>
  /** nothing of it is left. @throws EngineError when the engine goes away first */
  readonly destroyed: Promise<void>
}

export class Engine {
  readonly api: ApiVersion
  readonly #transport: Transport
  readonly #signal: AbortSignal | undefined

  private constructor(transport: Transport, api: ApiVersion, signal: AbortSignal | undefined) {
    this.#transport = transport
    this.api = api
    this.#signal = signal
  }

  /**
   * Asks who is there, and agrees on a version. `signal` ends every request of this engine.
   * @throws EngineError when there is none, it may not be talked to, or it is too old
   */
  static async at(socket: string, signal?: AbortSignal): Promise<Engine> {
    const transport = new Transport(socket)
    const { headers } = await transport.whole({ method: 'GET', path: '/_ping', timeoutMs: PROMPT_MS, signal })
    // without a prefix an engine answers as of its own version, so this is understood by all of them
    const { bytes } = await transport.whole({ method: 'GET', path: '/version', timeoutMs: PROMPT_MS, signal })
    const limits = answers.parsed(answers.API_LIMITS, bytes, 'GET /version')
    const api = negotiated(headers['api-version'], limits)
    return new Engine(transport, api, signal)
  }

  /** The same engine, and requests that end with `signal` as well. */
  within(signal: AbortSignal): Engine {
    const both = this.#signal === undefined ? signal : AbortSignal.any([this.#signal, signal])
    return new Engine(this.#transport, this.api, both)
  }

  get socket(): string {
    return this.#transport.socket
  }

  version(): Promise<answers.Version> {
    return this.#get('/version', answers.VERSION)
  }

  info(): Promise<answers.Info> {
    return this.#get('/info', answers.INFO)
  }

  /** An image of the one layer `tar`; its id. */
  async importImage(repository: string, tag: string, tar: Uint8Array, labels: Labels): Promise<string> {
    const changes = Object.entries(labels).map(([name, value]) => `LABEL ${name}=${JSON.stringify(value)}`)
    const ask = this.#ask('POST', '/images/create', {
      query: { fromSrc: '-', repo: repository, tag, changes },
      body: { type: 'application/x-tar', bytes: tar },
      timeoutMs: PATIENT_MS,
    })
    const { bytes } = await this.#transport.whole(ask)
    // a status of 200 may still be followed by an error
    const lines = bytes
      .toString('utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
    const steps = lines.map((line) => answers.parsed(answers.PROGRESS, Buffer.from(line), what(ask)))
    const failed = steps.find(({ error }) => error)
    if (/no space left on device/i.test(failed?.error ?? '')) throw diskFull(what(ask))
    if (failed !== undefined)
      throw new EngineError(
        'docker.refused',
        `The Docker Engine can't take the sandbox's root: ${failed.error}.`,
        '`docker info` says where it keeps images; is there room?',
      )
    const id = steps.at(-1)?.status ?? ''
    if (!/^sha256:[0-9a-f]{64}$/.test(id)) throw badAnswer(what(ask), 'it names no image')
    return id
  }

  image(name: string): Promise<answers.ImageInspected> {
    return this.#get(`/images/${encodeURIComponent(name)}/json`, answers.IMAGE)
  }

  images(labels: readonly string[]): Promise<answers.ListedImage[]> {
    return this.#get('/images/json', answers.LISTED_IMAGES, { filters: JSON.stringify({ label: labels }) })
  }

  /** @throws EngineError `docker.conflict` while a container uses it */
  removeImage(id: string): Promise<void> {
    return this.#do('DELETE', `/images/${encodeURIComponent(id)}`, { noprune: 'true' })
  }

  async create(name: string, body: CreateBody): Promise<{ id: string; warnings: readonly string[] }> {
    const ask = this.#ask('POST', '/containers/create', { query: { name }, body, timeoutMs: PATIENT_MS })
    const { bytes } = await this.#transport.whole(ask)
    const { Id, Warnings } = answers.parsed(answers.CREATED, bytes, what(ask))
    return { id: Id, warnings: Warnings ?? [] }
  }

  container(id: string): Promise<answers.ContainerInspected> {
    return this.#get(`/containers/${id}/json`, answers.CONTAINER)
  }

  /** All of them, running or not, that have these labels: `name` or `name=value`. */
  containers(labels: readonly string[]): Promise<answers.Listed[]> {
    const filters = JSON.stringify({ label: labels })
    return this.#get('/containers/json', answers.LISTED, { all: 'true', filters })
  }

  /** What a running one has used until now. */
  usage(id: string): Promise<answers.Usage> {
    return this.#get(`/containers/${id}/stats`, answers.USAGE, { stream: 'false', 'one-shot': 'true' })
  }

  /** To be called before `start`: then nothing that the container says is lost. */
  async attach(id: string): Promise<Attachment> {
    const ask = this.#ask('POST', `/containers/${id}/attach`, {
      query: { stream: '1', stdin: '1', stdout: '1', stderr: '1' },
    })
    const { socket, head } = await this.#transport.upgraded(ask)
    return attachment(socket, head, (error) => this.#named(error, ask))
  }

  /** Resolves when the engine watches. `removed`: until the container is gone; else until it no longer runs. */
  async wait(id: string, until: 'removed' | 'next-exit' | 'not-running'): Promise<Waiting> {
    const ask = this.#ask('POST', `/containers/${id}/wait`, { query: { condition: until } })
    const { body } = await this.#transport.head(ask)
    const exit = read(body, MAX_SENTENCE, what(ask)).then(
      (bytes) => answers.parsed(answers.EXITED, bytes, what(ask)),
      (error) => Promise.reject(this.#named(error, ask)),
    )
    exit.catch(() => {}) // whoever awaits it hears it; nobody has to
    return { exit }
  }

  /** Resolves when the engine tells. It holds a connection until the container is gone, or the signal ends it. */
  async watch(id: string, hear: (action: string) => void = () => {}): Promise<Watching> {
    const filters = JSON.stringify({ type: ['container'], container: [id] })
    const ask = this.#ask('GET', '/events', { query: { filters } })
    const { body } = await this.#transport.head(ask)
    const seen = new Set<string>()
    const destroyed = (async () => {
      try {
        for await (const line of lines(body, what(ask))) {
          const { Action } = answers.parsed(answers.EVENT, line, what(ask))
          if (seen.size < MOST_EVENTS) seen.add(Action)
          hear(Action)
          if (Action === 'destroy') return
        }
      } catch (error) {
        throw this.#named(error, ask)
      } finally {
        body.destroy()
      }
      throw this.#named(CUT, ask)
    })()
    destroyed.catch(() => {}) // whoever awaits it hears it; nobody has to
    return { seen, destroyed }
  }

  start(id: string): Promise<void> {
    return this.#do('POST', `/containers/${id}/start`)
  }

  /** Of one that runs. */
  async limitProcesses(id: string, most: number): Promise<void> {
    const path = `/containers/${id}/update`
    await this.#transport.whole(this.#ask('POST', path, { body: { PidsLimit: most } }))
  }

  /** Nothing happens to one that does not run. */
  async kill(id: string, signal = 'SIGKILL'): Promise<void> {
    await this.#unless(
      ['docker.gone', 'docker.conflict'],
      this.#do('POST', `/containers/${id}/kill`, { signal }),
    )
  }

  /** Whatever it does; also of one that is gone already. */
  async remove(id: string): Promise<void> {
    const removed = this.#do('DELETE', `/containers/${id}`, { force: 'true', v: 'true' })
    // a conflict: the engine is removing it now
    await this.#unless(['docker.gone', 'docker.conflict'], removed)
  }

  async #unless(codes: readonly string[], done: Promise<void>): Promise<void> {
    await done.catch((error) => {
      if (!(error instanceof EngineError && codes.includes(error.code))) throw error
    })
  }

  #ask(method: Ask['method'], path: string, rest: Partial<Ask> = {}): Ask {
    const versioned = `/v${versionText(this.api)}${path}`
    return { method, path: versioned, timeoutMs: PROMPT_MS, signal: this.#signal, ...rest }
  }

  async #get<T extends Parameters<typeof answers.parsed>[0]>(
    path: string,
    schema: T,
    query: Ask['query'] = {},
  ) {
    const ask = this.#ask('GET', path, { query })
    const { bytes } = await this.#transport.whole(ask)
    return answers.parsed<T>(schema, bytes, what(ask))
  }

  async #do(method: 'POST' | 'DELETE', path: string, query: Ask['query'] = {}, timeoutMs = PROMPT_MS) {
    await this.#transport.whole(this.#ask(method, path, { query, timeoutMs }))
  }

  #named(error: unknown, ask: Ask): Error {
    if (this.#signal?.aborted === true) return this.#signal.reason
    return namedProblem(error, this.socket, what(ask)) as Error
  }
}
