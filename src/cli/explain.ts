import { policyFromFlags, policySha256 } from '../policy/index.js'
import { explanation, explanationText } from '../proof/index.js'
import { explainPlan } from '../sandbox/index.js'
import { type Flag, type Parsed, WrongUsage } from './flags.js'
import { POLICY_FLAGS, policyFlags } from './policy-flags.js'
import { print, printJson } from './terminal.js'

export const EXPLAIN_FLAGS: readonly Flag[] = [
  ...POLICY_FLAGS,
  { name: '--native', help: "what the boundary's own program will be told" },
  { name: '--json', help: 'the same for programs' },
  { name: '--help', help: 'this' },
]

/** Runs nothing. 1 when a promise can't be kept on this host. */
export function explain(parsed: Parsed): number {
  if (parsed.words.length > 0)
    throw new WrongUsage(`${JSON.stringify(parsed.words[0])} is neither a flag nor behind "--".`)
  const policy = policyFromFlags(policyFlags(parsed), { cwd: process.cwd(), callerEnv: process.env })
  const { plan, words, warnings, unavailable } = explainPlan(policy)
  const explained = explanation(
    plan,
    policySha256(policy),
    unavailable === null ? warnings : [unavailable, ...warnings],
  )
  if (parsed.flags.has('--json'))
    printJson(parsed.flags.has('--native') ? { ...explained, words } : explained, 2)
  else if (parsed.flags.has('--native')) print(words)
  else print(explanationText(explained))
  return unavailable !== null || plan.claims.some(({ status }) => status === 'impossible') ? 1 : 0
}
