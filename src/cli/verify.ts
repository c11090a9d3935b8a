import { policyFromFlags } from '../policy/index.js'
import { verifyPlan } from '../proof/index.js'
import { hostOf, planOf } from '../sandbox/index.js'
import { type CommandEntry, type Flag, type Parsed, WrongUsage } from './flags.js'
import { POLICY_FLAGS, policyFlags } from './policy-flags.js'
import { print, printJson } from './terminal.js'

const FLAGS: readonly Flag[] = [
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
async function verify(parsed: Parsed): Promise<number> {
  if (parsed.words.length > 0)
    throw new WrongUsage(`${JSON.stringify(parsed.words[0])} is neither a flag nor behind "--".`)
  const policy = policyFromFlags(policyFlags(parsed), { cwd: process.cwd(), callerEnv: process.env })
  const host = hostOf()
  const plan = planOf(policy, host)
  const results = await verifyPlan(plan, host)
  if (parsed.flags.has('--json')) printJson(results, 2)
  else
    print(
      results.map(({ probe, tries, status, why }) => `${MARK[status]}  ${probe}: ${tries} ${why.join('; ')}`),
    )
  return results.every(({ status }) => status === 'holds' || status === 'notApplicable') ? 0 : 1
}

export const VERIFY: CommandEntry = { flags: FLAGS, act: verify, wrong: 2 }
