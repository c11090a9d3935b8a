/** Attacks the real sandbox of a plan from inside, probe by probe, each with its control. */
import { cpus } from 'node:os'
import type { HostFacts } from '../../host/index.js'
import type { Claim, Plan, RequirementId } from '../../plan/index.js'
import { type NetworkOptions, PlanRunner } from '../../sandbox/index.js'
import { type Bench, PROBES, type Probe, type ThreatId, type Trial } from '../probes/index.js'
import { benchOf } from './bench.js'
import { layDecoys } from './decoys.js'
import { type Judged, judge } from './judge.js'
import { machineNow } from './machine.js'

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
  readonly network?: NetworkOptions
  /** see `PlanRunnerOptions` */
  readonly without?: ReadonlySet<string>
}

const LANES = Math.min(4, cpus().length)

/**
 * In the order of the probes. Nothing of the host is touched but decoys that are set up here.
 * @throws LaunchError when a sandbox can't be started
 */
export async function verifyPlan(
  plan: Plan,
  host: HostFacts,
  options: VerifyOptions = {},
): Promise<ProbeResult[]> {
  const { probes = PROBES, unsafeControls = false, onResult = () => {}, network, without } = options
  const called = probes.filter(({ claim }) => isEnforced(plan, claim))
  const runner = new PlanRunner(host, plan, {
    ...(network === undefined ? {} : { network }),
    ...(without === undefined ? {} : { without }),
  })
  const decoys = await layDecoys()
  const results: ProbeResult[] = []
  try {
    const bench = benchOf(runner, plan, decoys, without)
    const given = { plan, host, machine: machineNow() }
    const trials = called.map((probe, index) => ({ probe, index, trial: probe.trial(given) }))
    const perform = async ({ probe, index, trial }: (typeof trials)[number]) => {
      const began = Date.now()
      const judged =
        'pointless' in trial ? pointless(trial.pointless) : await tried(trial, bench, unsafeControls)
      const { id, claim, threat, tries } = probe
      const result = { probe: id, claim, threat, tries, ...judged, ms: Date.now() - began }
      results[index] = result
      onResult(result, Object.keys(results).length, called.length)
    }
    const isAlone = ({ trial }: (typeof trials)[number]) => 'alone' in trial
    await inLanes(
      LANES,
      trials.filter((each) => !isAlone(each)),
      perform,
    )
    await inLanes(1, trials.filter(isAlone), perform)
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

async function tried(trial: Trial, bench: Bench, unsafeControls: boolean): Promise<Judged> {
  const inside = await trial.inside(bench)
  if (trial.unsafe !== undefined && !unsafeControls) return judge(inside, null)
  return judge(inside, await trial.control(bench))
}

async function inLanes<T>(
  lanes: number,
  all: readonly T[],
  perform: (each: T) => Promise<void>,
): Promise<void> {
  const left = [...all]
  const lane = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await perform(next)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}
