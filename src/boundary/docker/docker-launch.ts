/** From a plan to a container whose first process waits for its command. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { LaunchError, visible } from '../../errors/index.js'
import type { Plan } from '../../plan/index.js'
import { inTime } from '../../waiting/index.js'
import { CarriedStreams } from '../agent/carried.js'
import { KEY, Unsealed } from '../agent/sealed.js'
import type { OwnFiles, RunningSandbox } from '../boundary.js'
import type { Attachment } from './attachment.js'
import { LEAST_PROCESSES, processesOf } from './create-body.js'
import type { Watching } from './engine.js'
import { requireShown } from './held-source.js'
import type { Held, Keeper } from './keeper.js'
import { type SentryNetwork, startNetwork } from './network-room.js'
import { type Prepared, prepare, type Room } from './prepare.js'
import { EngineError, isProblem, lostAt } from './problems.js'
import { containerSandbox, type Finished } from './sandbox.js'
import { endLeftovers, requireSentry } from './sentry.js'
import { containedSettings } from './settings.js'
import { noteStart } from './starts.js'
import { NOTHING_KNOWN, type Used, usedBy } from './usage.js'

/** How long a container gets to end by itself when its lifeline closes, and an engine to remove one, ms. */
const GRACE_MS = 300
const REMOVAL_MS = 20_000
/** Of what pid 1, or the runtime, says on standard error. */
const MAX_SAID = 2048

/** `keeper`: where this process is root. @throws LaunchError, and then nothing is left */
export async function launchContainer(
  room: Room,
  keeper: Keeper | null,
  plan: Plan,
  files: OwnFiles,
): Promise<RunningSandbox> {
  const isBeyond = room.runtime === 'runsc' && plan.network !== null && keeper !== null
  const network = isBeyond ? await startNetwork(room, keeper, plan) : null
  let container: Container
  try {
    container = new Container(room, plan, await prepare(room, plan, files, network ?? 'own'), network)
  } catch (error) {
    await network?.end()
    throw error
  }
  try {
    await container.start()
    const held = await container.hold(keeper)
    const isReused = plan.lifetime.reuse !== null
    return containerSandbox(container.started(held), containedSettings(plan, room), isReused)
  } catch (error) {
    const { said } = await container.finish()
    throw said === '' || error instanceof EngineError || !(error instanceof LaunchError)
      ? error
      : new LaunchError('launch.failed', `${error.message} (${said})`, error.advice)
  }
}

class Container {
  readonly #room: Room
  readonly #plan: Plan
  readonly #prepared: Prepared
  readonly #network: SentryNetwork | null
  readonly #id: string
  readonly #key = randomBytes(KEY)
  #attachment: Attachment | null = null
  #watching: Watching | null = null
  #held: Held | null = null
  #pid: number | null = null
  /** of one that is ended because its memory ran out: with its first process what it has used is gone */
  #used: Used | null = null
  #said = ''
  #finished: Promise<Finished> | null = null
  #forget: () => void = () => {}

  constructor(room: Room, plan: Plan, prepared: Prepared, network: SentryNetwork | null) {
    this.#room = room
    this.#plan = plan
    this.#prepared = prepared
    this.#network = network
    this.#id = prepared.found.Id
  }

  async start(): Promise<void> {
    const { engine } = this.#room
    // before the start: then nothing that it says, or that the engine says of it, is lost
    const heard = await Promise.allSettled([this.#attach(), this.#watch()])
    for (const each of heard) if (each.status === 'rejected') throw each.reason
    if (this.#inSentry) this.#attachment?.stdin.write(this.#key)
    if (this.#inSentry && this.#room.host.uid === 0) this.#forget = noteStart(this.#id)
    await engine.start(this.#id)
    const { processes } = this.#plan.limits
    if (!this.#inSentry && processes !== null && processes < LEAST_PROCESSES)
      await engine.limitProcesses(this.#id, processesOf(processes))
  }

  async #attach(): Promise<void> {
    this.#attachment = await this.#room.engine.attach(this.#id)
    this.#attachment.stderr.on('data', (chunk: Buffer) => {
      this.#said += chunk.toString('latin1', 0, MAX_SAID - this.#said.length)
    })
  }

  async #watch(): Promise<void> {
    this.#watching = await this.#room.engine.watch(this.#id, (action) => {
      if (action === 'oom') this.#kill()
    })
  }

  /** Looks whether it shows what it was to show, and holds it; as root alone. */
  async hold(keeper: Keeper | null): Promise<Held | null> {
    const { Pid } = (await this.#room.engine.container(this.#id)).State
    this.#pid = Pid > 0 ? Pid : null
    if (this.#pid === null) return null
    const sentry = this.#inSentry ? requireSentry(this.#pid, this.#id) : null
    if (keeper === null) return null
    for (const source of this.#prepared.held) requireShown(source, sentry?.gofer ?? this.#pid)
    // it is held only if it is this container's: so it was, when it was looked at
    const owner = ownerOf(this.#pid)
    const held = await keeper.hold(
      this.#pid,
      this.#id,
      this.#plan,
      sentry === null
        ? { kind: 'container', files: this.#prepared.files, owner }
        : { kind: 'sentry', gofer: sentry.gofer, owner },
    )
    this.#held = this.#network === null ? held : together(held, this.#network.held)
    return this.#held
  }

  get #inSentry(): boolean {
    return this.#room.runtime === 'runsc'
  }

  started(held: Held | null) {
    const attachment = this.#attachment as Attachment
    return {
      used: () => this.#used ?? this.#usedNow(),
      carried: new CarriedStreams(
        this.#inSentry ? attachment.stdout.pipe(new Unsealed(this.#key)) : attachment.stdout,
        attachment.stdin,
      ),
      held,
      wasOutOfMemory: () => this.#watching?.seen.has('oom') ?? false,
      finish: () => this.finish(),
    }
  }

  finish(): Promise<Finished> {
    this.#finished ??= this.#finish()
    return this.#finished
  }

  async #finish(): Promise<Finished> {
    let lost: Finished['lost'] = null
    const failed = (error: unknown) => {
      // of others than these the container knows nothing: it is removed, or is being
      if (isProblem(error, 'docker.lost', 'docker.noEngine')) lost = lostAt(this.#room.engine.socket)
    }
    const gone = (this.#watching?.destroyed ?? Promise.resolve()).catch(failed)
    // first: an engine takes ten seconds to remove one whose output nobody reads
    this.#attachment?.close()
    try {
      await inTime(gone, GRACE_MS)
      this.#held?.kill()
      // one that was never started stays until it is removed; of one that is gone already this is nothing
      await this.#room.engine.remove(this.#id).catch(failed)
      if (this.#isLeft()) endLeftovers(this.#id)
      await inTime(gone, REMOVAL_MS)
      this.#forget()
      await this.#network?.end()
    } finally {
      this.#prepared.release()
    }
    return { said: visible(this.#said.trim()), lost }
  }

  /** Of a start that failed runsc leaves its processes: only root may end them. */
  #isLeft(): boolean {
    return this.#inSentry && this.#pid === null && this.#room.host.uid === 0
  }

  #usedNow(): Used {
    const used = this.#pid === null ? NOTHING_KNOWN : usedBy(this.#pid)
    // of a sentry the cgroup counts threads: what it refuses is no process of the job's
    return this.#inSentry ? { ...used, forkRefusals: null } : used
  }

  #kill(): void {
    this.#used ??= this.#usedNow()
    this.#held?.kill()
    this.#room.engine.kill(this.#id).catch(() => {})
  }
}

/** As whom it runs, as the host numbers it: in a user namespace of the engine's that is another number than inside. */
function ownerOf(pid: number): number {
  const [, uid = '0'] = /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
  return Number(uid)
}

/** A sentry and its network: neither is without the other. */
function together(sentry: Held, network: Held): Held {
  const kill = () => {
    sentry.kill()
    network.kill()
  }
  network.ended.then(kill)
  sentry.ended.then(kill)
  return {
    network: network.network,
    seen: network.seen,
    ended: Promise.all([sentry.ended, network.ended]).then(([{ orphaned }, news]) => ({
      ...news,
      orphaned: news.orphaned || orphaned,
    })),
    kill,
    used: network.used,
  }
}
