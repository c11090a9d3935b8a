/** A sandbox that cell starts. */
import { LaunchError } from '../../errors/index.js'
import type { HostFacts } from '../../host/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import type { AgentSettings } from '../agent/conversation.js'
import { AgentSandbox, type LastWords } from '../agent/sandbox.js'
import { agentSettings } from '../agent/settings.js'
import type { RunningSandbox, SandboxEnd, UsedUntilNow } from '../boundary.js'
import { type Arrived, arrival, closeAll } from './arrival.js'
import { launchFailure } from './failure.js'
import type { LaunchFailure } from './launch-failure.js'
import type { EndedNews, Launcher } from './launcher.js'
import { networkSeen } from './network-seen.js'
import { isNetworked, launchRequest, type RequestOptions } from './request.js'
import { streamNames, streamsOf } from './streams.js'
import type { WallProgram } from './wall-program.js'

/** How long the sandbox gets to end by itself when its lifeline closes, before it is killed from outside, ms. */
const GRACE_MS = 200

/** What is told for a plan, the same for all its sandboxes. */
export interface Said {
  /** to cell */
  readonly request: Buffer
  /** to the agent */
  readonly settings: AgentSettings
  /** the ends of its network have to arrive before it can be used */
  readonly networked: boolean
  /** the job's kernel is not this host's, and how it is talked to, see `WallProgram` */
  readonly ownKernel: boolean
  readonly carried: boolean
  /** commands run in it one after another */
  readonly reused: boolean
  /** from what was said when it did not start to a sentence */
  failure(text: string): LaunchFailure
}

export function said(plan: Plan, host: HostFacts, program: WallProgram, options: RequestOptions = {}): Said {
  const { inForce = InForce.all } = options
  return {
    request: launchRequest(plan, host, program, options),
    settings: agentSettings(plan, host, program, inForce),
    networked: isNetworked(plan, inForce),
    ownKernel: program.ownKernel,
    carried: program.carried,
    reused: plan.lifetime.reuse !== null,
    failure: (text) => launchFailure(text, host, program),
  }
}

/** Starts a sandbox and gives it back as soon as it can be talked to. @throws LaunchError */
export async function launchSandbox(
  launcher: Launcher,
  id: number,
  head: Buffer,
  said: Said,
): Promise<RunningSandbox> {
  const { request, networked, carried, reused, settings } = said
  const streams = streamNames(carried)
  const arrived = await arrival(launcher, { id, head, request, streams, networked }, ({ text }) => {
    const { what, get } = said.failure(text)
    return new LaunchError('launch.failed', what, get)
  })
  const { handles, network, ended } = arrived
  return new AgentSandbox({
    streams: streamsOf(handles, reused),
    network,
    settings,
    over: ended,
    ...(reused ? { used: async () => usedIn(await arrived.used(), said) } : {}),
    finish: (first) => finish(arrived, said, first),
  })
}

async function finish(
  { network, seen, ended, kill }: Arrived,
  said: Said,
  first: LastWords,
): Promise<SandboxEnd> {
  await first.hangUp()
  const timer = setTimeout(kill, GRACE_MS)
  const news = await ended
  clearTimeout(timer)
  closeAll(network.map(({ handle }) => handle))
  const failed = !first.ran && !news.killed && news.oomKills === 0
  return {
    ...usedIn(news, said),
    observed: [...first.observed, ...networkSeen(seen)],
    launchFailure: failed && news.status !== 0 ? said.failure(news.text) : null,
    lost: null,
  }
}

function usedIn(news: EndedNews, { ownKernel }: Said): Omit<UsedUntilNow, 'observed'> {
  return {
    outOfMemory: news.oomKills > 0,
    cpuMs: news.cpuUs / 1000,
    peakMemoryBytes: news.peakMemoryBytes || news.maxRssBytes,
    // the cgroup counts the other kernel's threads, and has room for them
    forkRefusals: ownKernel ? null : news.forkRefusals,
    datagrams: news.datagrams,
    datagramsOmitted: news.datagramsOmitted,
  }
}
