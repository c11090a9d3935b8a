/** `verify` of one boundary with mechanisms left off, in a world of its own; its last argument says what. A JSON line for each probe. */
import { parsePolicy } from '../../src/policy/index.js'
import { enteredWorld, runInWorld, verifyPlan } from '../../src/proof/index.js'
import { PROBES } from '../../src/proof/probes/index.js'
import { hostFor, planOf } from '../../src/sandbox/index.js'

export interface AskedOfContainers {
  readonly boundary: 'runc' | 'gvisor' | 'docker'
  readonly off: readonly string[]
  /** of the programs that can leave something off */
  readonly builds: string
  /** claims; `null`: all */
  readonly claims: readonly string[] | null
}

export interface ProbeLine {
  readonly probe: string
  readonly claim: string
  readonly status: string
  readonly why: readonly string[]
}

const HANG_MS = 600_000
const PORTS = [22, 53, 80, 443, 853, 5432, 8053, 8080, 31_337]
/** As the process boundary's rows have it, so that each bound is one that is met soon. */
const POLICY = {
  limits: { memory: '256MiB', scratch: '16MiB', processes: 32 },
  lifetime: { deadline: '30s', noOutput: '20s' },
}

const [, SELF = '', words = '', inWorld] = process.argv
if (inWorld === undefined) process.exitCode = (await runInWorld([SELF, words, 'in the world'], PORTS)).code
else await perform(JSON.parse(words) as AskedOfContainers)

async function perform({ boundary, off, builds, claims }: AskedOfContainers): Promise<void> {
  const host = await hostFor(boundary)
  const results = await verifyPlan(planOf(parsePolicy({ version: 1, boundary, ...POLICY }), host), host, {
    world: enteredWorld(),
    signal: AbortSignal.timeout(HANG_MS),
    probes: PROBES.filter(({ claim }) => claims?.includes(claim) ?? true),
    ...(off.length === 0 ? {} : { without: { mechanisms: new Set(off), builds } }),
  })
  for (const { probe, claim, status, why } of results)
    console.log(JSON.stringify({ probe, claim, status, why } satisfies ProbeLine))
}
