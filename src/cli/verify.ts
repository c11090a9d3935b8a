import { BoundaryUnavailableError } from '../errors/index.js'
import { policyFromFlags } from '../policy/index.js'
import { enteredWorld, runInWorld, verifyPlan } from '../proof/index.js'
import { hostOf, planOf } from '../sandbox/index.js'
import { type Flag, type Parsed, WrongUsage } from './flags.js'
import { POLICY_FLAGS, policyFlags } from './policy-flags.js'
import { print, printJson, say, sentence } from './terminal.js'

export const VERIFY_FLAGS: readonly Flag[] = [
  ...POLICY_FLAGS,
  { name: '--json', help: 'the same for programs' },
  { name: '--help', help: 'this' },
]

const MARK = {
  holds: 'holds',
  broken: 'BROKEN',
  controlFailed: 'CONTROL FAILED',
  notApplicable: '-',
} as const

/** Attacks the sandbox of a policy from inside. 1 unless all that was tried holds. */
export async function verify(parsed: Parsed): Promise<number> {
  if (parsed.words.length > 0)
    throw new WrongUsage(`${JSON.stringify(parsed.words[0])} is neither a flag nor behind "--".`)
  const policy = policyFromFlags(policyFlags(parsed), { cwd: process.cwd(), callerEnv: process.env })
  const host = hostOf()
  const plan = planOf(policy, host)
  const world = enteredWorld()
  if (world === null) return inWorld(portsOf(plan))
  const results = await verifyPlan(plan, host, { world })
  if (parsed.flags.has('--json')) printJson(results, 2)
  else
    print(
      results.map(({ probe, tries, status, why }) => `${MARK[status]}  ${probe}: ${tries} ${why.join('; ')}`),
    )
  return results.every(({ status }) => status === 'holds' || status === 'notApplicable') ? 0 : 1
}

/** This program again, in a network of its own. Where there can be none nothing is tried, and nothing holds. */
async function inWorld(ports: readonly number[]): Promise<number> {
  try {
    return await runInWorld(process.argv.slice(1), ports)
  } catch (error) {
    if (!(error instanceof BoundaryUnavailableError)) throw error
    say(sentence(error))
    return 1
  }
}

/** All that anything could be tried on, where the kernel can't hear every port: those of rules, and of probes. */
function portsOf({ network }: ReturnType<typeof planOf>): number[] {
  const ports = network?.rules.flatMap((rule) => rule.ports.map(({ port }) => port)) ?? []
  return [...new Set([...ports, ...PROBED_PORTS])]
}

const PROBED_PORTS = [22, 53, 80, 443, 853, 8053, 8080, 31_337]
