/** Attacks the real sandbox of a plan from inside, probe by probe, each with its control. */
import { cpus } from 'node:os'
import type { HostFacts } from '../../host/index.js'
import type { Claim, LeftOff, Plan, RequirementId } from '../../plan/index.js'
import { type NetworkOptions, PlanRunner } from '../../sandbox/index.js'
import { type Bench, PROBES, type Probe, type ThreatId, type Trial, Untried } from '../probes/index.js'
import { lookAround } from './around.js'
import { benchOf } from './bench.js'
import { type Around, layDecoys } from './decoys.js'
import type { WorldSockets } from './far-side.js'
import { type Judged, judge } from './judge.js'
import { makeDecoyAuthority } from './secure/decoy-authority.js'

export interface ProbeResult extends Judged {
  readonly probe: string
  readonly claim: RequirementId
  readonly threat: ThreatId
  readonly tries: string
  readonly ms: number
}

export interface VerifyOptions {
  readonly probes?: readonly Probe[]
  /** also controls that would be unsafe on a machine in use */
  readonly unsafeControls?: boolean
  /** told of each result as it comes, and of how many there will be */
  readonly onResult?: (result: ProbeResult, done: number, of: number) => void
  /** what this process was started in; without it nothing can be said of networks, and such probes fail */
  readonly world?: WorldSockets | null
  /** what is attacked has waited for its job */
  readonly warm?: boolean
  /** what is attacked has been used before, by a job of the same tenant */
  readonly reused?: boolean
  /** ends it: every sandbox goes, the decoys go, and then its reason is thrown */
  readonly signal?: AbortSignal
  /** see `PlanRunnerOptions` */
  readonly without?: LeftOff
}

/** Names and certificates as the world has them, and none of the host's names. */
const networkOf = ({ authority }: Around): NetworkOptions => ({
  resolvers: ['9.9.9.9:53'],
  hosts: {},
  authorities: [authority.certificate],
})

/** Half of them wait for something at any time: two for each processor keep two processors at work. */
const LANES = Math.min(8, 2 * cpus().length)

/**
 * In the order of the probes. Nothing of the host is touched but decoys that are set up here.
 * @throws LaunchError when a sandbox can't be started; what `signal` was aborted with
 */
export async function verifyPlan(
  plan: Plan,
  host: HostFacts,
  options: VerifyOptions = {},
): Promise<ProbeResult[]> {
  const {
    probes = PROBES,
    unsafeControls = false,
    onResult = () => {},
    world = null,
    warm = false,
    reused = false,
    without,
    signal,
  } = options
  const around = world === null ? null : { sockets: world, authority: await makeDecoyAuthority() }
  const called = probes.filter(({ claim }) => isEnforced(plan, claim))
  const runner = new PlanRunner(host, plan, {
    network: around === null ? {} : networkOf(around),
    warm,
    reused,
    ...(without === undefined ? {} : { without }),
  })
  const decoys = await layDecoys(around)
  const results: ProbeResult[] = []
  try {
    const around = lookAround()
    const given = { plan, host, ...around }
    const bench = benchOf({ runner, plan, decoys, ...around, signal, without })
    const trials = called.map((probe, index) => ({
      probe,
      index,
      trial: probe.trial(given),
    }))
    const perform = async ({ probe, index, trial }: (typeof trials)[number]) => {
      signal?.throwIfAborted()
      const began = Date.now()
      const judged =
        'pointless' in trial ? pointless(trial.pointless) : await tried(trial, bench, unsafeControls)
      signal?.throwIfAborted() // what was cut off proves nothing
      const { id, claim, threat, tries } = probe
      const result = { probe: id, claim, threat, tries, ...judged, ms: Date.now() - began }
      results[index] = result
      onResult(result, Object.keys(results).length, called.length)
    }
    const isAlone = ({ trial }: (typeof trials)[number]) => 'alone' in trial
    const attack = async () => {
      await inLanes(
        LANES,
        trials.filter((each) => !isAlone(each)),
        perform,
      )
      await inLanes(1, trials.filter(isAlone), perform)
    }
    await untilAborted(attack(), runner, signal)
    return results
  } finally {
    await runner.close()
    await decoys.remove()
  }
}

function isEnforced({ claims }: Plan, id: RequirementId): boolean {
  return claims.some((claim: Claim) => claim.id === id && claim.status === 'enforced')
}

const pointless = (why: string): Judged => ({ status: 'notApplicable', why: [why] })

const NO_WORLD: Judged = {
  status: 'controlFailed',
  why: ['there is no world around to try it in: see runInWorld'],
}

async function tried(trial: Trial, bench: Bench, unsafeControls: boolean): Promise<Judged> {
  if (trial.world === true && bench.decoys.world === null) return NO_WORLD
  try {
    const inside = await trial.inside(bench)
    if (trial.unsafe !== undefined && !unsafeControls) return judge(inside, null)
    return judge(inside, await trial.control(bench))
  } catch (error) {
    if (error instanceof Untried) return pointless(error.message)
    throw error
  }
}

/** Closing the runner is what ends a sandbox in which an attempt waits for something. */
async function untilAborted(attack: Promise<void>, runner: PlanRunner, signal?: AbortSignal): Promise<void> {
  let closing: Promise<void> | null = null
  const close = () => {
    closing = runner.close()
  }
  signal?.addEventListener('abort', close, { once: true })
  try {
    await attack
  } catch (error) {
    await closing
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', close)
  }
}

/** Every lane ends, also when another fails: nothing is tried while what it needs is being removed. */
async function inLanes<T>(
  lanes: number,
  all: readonly T[],
  perform: (each: T) => Promise<void>,
): Promise<void> {
  const left = [...all]
  const lane = async () => {
    try {
      for (let next = left.shift(); next !== undefined; next = left.shift()) await perform(next)
    } finally {
      left.length = 0
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: lanes }, lane))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}
