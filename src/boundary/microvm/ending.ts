/** What a machine's job has used, and the end of both. */
import { LaunchError } from '../../errors/index.js'
import { inTime } from '../../waiting/index.js'
import type { CarriedStreams } from '../agent/carried.js'
import type { LastWords } from '../agent/sandbox.js'
import type { Observed, RunningSandbox, SandboxEnd, UsedUntilNow } from '../boundary.js'
import { agentLost, machineLost } from './endings.js'
import type { GuestNews, GuestUsed } from './guest/said.js'
import type { GuestWire } from './guest/wire.js'

/** How long a machine gets to say what its job used, ms. */
const NEWS_MS = 3_000
/** How long one that said nothing gets to have ended by itself, ms. */
const OVER_MS = 500

export interface Running {
  readonly jail: RunningSandbox
  readonly wire: GuestWire
  readonly carried: CarriedStreams
  /** what QEMU and the machine's kernel said */
  readonly complaints: () => string
  /** besides what the agent and the jail have seen */
  readonly observed: () => readonly Observed[]
}

export class Ending {
  readonly #running: Running
  /** used before there was a job */
  #before: GuestUsed = { cpuMs: 0, peakMemoryBytes: 0, oomKills: 0, forkRefusals: 0 }

  constructor(running: Running) {
    this.#running = running
  }

  /** What was used until now was no job's. Its most memory at once stays: the kernel begins no second such count. @throws LaunchError */
  async beginAnew(): Promise<void> {
    this.#before = await this.#used()
  }

  /** @throws LaunchError when the machine does not answer */
  async usedUntilNow(): Promise<Omit<UsedUntilNow, 'observed'>> {
    const { oomKills, ...counted } = this.#since(await this.#used())
    // frames that it may not send are dropped on the tap, uncounted until its jail ends
    return { ...counted, outOfMemory: oomKills > 0, datagrams: [], datagramsOmitted: 0 }
  }

  async #used(): Promise<GuestUsed> {
    const used = (await inTime(this.#running.wire.used(), NEWS_MS)) ?? null
    if (used === null)
      throw new LaunchError('launch.machine', 'The virtual machine does not answer any more.')
    return used
  }

  /** A machine that was taken over may count backwards. */
  #since(used: GuestUsed): GuestUsed {
    const more = (of: 'cpuMs' | 'oomKills' | 'forkRefusals') => Math.max(0, used[of] - this.#before[of])
    return { ...used, cpuMs: more('cpuMs'), oomKills: more('oomKills'), forkRefusals: more('forkRefusals') }
  }

  /** Ends it, whatever it does. */
  async end(first: LastWords): Promise<SandboxEnd> {
    const { jail, wire, carried, complaints, observed } = this.#running
    // of a command that has ended this is all there is to know, and its machine is ended as it stands
    const asked = first.ended ? wire.used() : null
    await first.hangUp()
    const used = (asked === null ? undefined : await inTime(asked, NEWS_MS)) ?? null
    const news = used === null ? ((await inTime(wire.news, NEWS_MS)) ?? null) : null
    const last = used ?? news
    const said = last === null ? null : this.#since(last)
    const ended = said === null ? await inTime(jail.commandEnd, OVER_MS) : undefined
    carried.close()
    wire.close()
    const end = await jail.end()
    const isLost = said === null && !first.ran
    return {
      ...end,
      outOfMemory: end.outOfMemory || (said?.oomKills ?? 0) > 0,
      // of the job alone; where the machine could not say, of QEMU
      cpuMs: said?.cpuMs ?? end.cpuMs,
      peakMemoryBytes: said?.peakMemoryBytes || end.peakMemoryBytes,
      forkRefusals: said?.forkRefusals ?? null,
      observed: [
        ...first.observed,
        ...end.observed.filter(({ id }) => id.startsWith('network.')),
        ...observed(),
      ],
      launchFailure:
        isLost && !end.outOfMemory
          ? {
              what: `The virtual machine ended before its command ran. ${complaints()}`.trim(),
              get: 'Run it again.',
            }
          : null,
      lost: first.ran && used === null ? lostWith(news, ended, complaints()) : null,
    }
  }
}

function lostWith(
  news: GuestNews | null,
  ended: Parameters<typeof machineLost>[0],
  said: string,
): SandboxEnd['lost'] {
  return news === null ? machineLost(ended, said) : agentLost(news)
}
