/** A container in use. */
import type { CarriedStreams } from '../agent/carried.js'
import type { AgentSettings } from '../agent/conversation.js'
import { AgentSandbox, type LastWords } from '../agent/sandbox.js'
import { carriedStreams } from '../agent/streams.js'
import type { RunningSandbox, SandboxEnd, UsedUntilNow } from '../boundary.js'
import { closeAll } from '../cell/arrival.js'
import { networkSeen } from '../cell/network-seen.js'
import type { Held } from './keeper.js'
import type { Used } from './usage.js'

/** A container from its start on, as far as its sandbox has to know of it. */
export interface Started {
  /** until now, or until its memory ran out */
  readonly used: () => Used
  readonly carried: CarriedStreams
  /** `null`: another user than root holds none */
  readonly held: Held | null
  /** the kernel ended a process of it for memory */
  readonly wasOutOfMemory: () => boolean
  /** ends it, with all that belongs to it */
  finish(): Promise<Finished>
}

export interface Finished {
  /** by the runtime, or by the first process, why it never started; empty: it did, or said nothing */
  readonly said: string
  /** `null`: the engine was there to the end */
  readonly lost: SandboxEnd['lost']
}

/** `reused`: commands run in it one after another */
export function containerSandbox(started: Started, settings: AgentSettings, reused: boolean): RunningSandbox {
  const { carried, held } = started
  return new AgentSandbox({
    streams: carriedStreams(carried),
    network: held?.network ?? [],
    settings,
    over: held?.ended ?? null,
    ...(reused ? { used: () => usedUntilNow(started) } : {}),
    finish: (first) => finish(started, first),
  })
}

async function usedUntilNow({
  used,
  held,
  wasOutOfMemory,
}: Started): Promise<Omit<UsedUntilNow, 'observed'>> {
  const { oomKills, ...counted } = used()
  const news = await held?.used()
  return {
    ...counted,
    outOfMemory: oomKills > 0 || wasOutOfMemory(),
    datagrams: news?.datagrams ?? [],
    datagramsOmitted: news?.datagramsOmitted ?? 0,
  }
}

async function finish(started: Started, first: LastWords): Promise<SandboxEnd> {
  const { carried, held, wasOutOfMemory } = started
  // with its first process what it has used is gone
  const used = started.used()
  await first.hangUp()
  const { said, lost } = await started.finish()
  carried.close()
  const news = await held?.ended
  closeAll(held?.network.map(({ handle }) => handle) ?? [])
  const outOfMemory = used.oomKills > 0 || wasOutOfMemory()
  return {
    outOfMemory,
    cpuMs: used.cpuMs,
    peakMemoryBytes: used.peakMemoryBytes,
    forkRefusals: used.forkRefusals,
    observed: [...first.observed, ...networkSeen(held?.seen ?? null)],
    datagrams: news?.datagrams ?? [],
    datagramsOmitted: news?.datagramsOmitted ?? 0,
    launchFailure:
      !first.ran && !outOfMemory && said !== ''
        ? { what: `The container ended before its command ran: ${said}`, get: 'Run it again.' }
        : null,
    lost,
  }
}
