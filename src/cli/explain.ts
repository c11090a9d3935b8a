import { loadPolicy, type Policy, policyFromFlags, policySha256 } from '../policy/index.js'
import {
  comparison,
  comparisonText,
  explanation,
  explanationPage,
  explanationText,
  type Side,
} from '../proof/index.js'
import { explainPlan } from '../sandbox/index.js'
import { type CommandEntry, type Flag, type Parsed, WrongUsage } from './flags.js'
import { POLICY_FLAGS, policyFlags } from './policy-flags.js'
import { print, printJson } from './terminal.js'

const FLAGS: readonly Flag[] = [
  ...POLICY_FLAGS,
  {
    name: '--against',
    value: 'FILE',
    help: 'an older policy file, or a profile: what is wider and narrower than there; exits 1 if anything is wider',
  },
  { name: '--native', help: "what the boundary's own program will be told" },
  { name: '--html', help: 'one page with a picture, which needs nothing else; on standard output' },
  { name: '--json', help: 'the same for programs' },
  { name: '--help', help: 'this' },
]

/** Runs nothing. 1 when a promise can't be kept on this host; with `--against`, when something is wider. */
function explain(parsed: Parsed): number {
  if (parsed.words.length > 0)
    throw new WrongUsage(`${JSON.stringify(parsed.words[0])} is neither a flag nor behind "--".`)
  refuseTwoForms(parsed)
  const policy = policyFromFlags(policyFlags(parsed), { cwd: process.cwd(), callerEnv: process.env })
  const [against] = parsed.flags.get('--against') ?? []
  return against === undefined ? explainOne(policy, parsed) : compare(policy, against, parsed)
}

function explainOne(policy: Policy, { flags }: Parsed): number {
  const { plan, kernel, words, warnings, unavailable } = explainPlan(policy)
  const explained = explanation(
    plan,
    kernel,
    policySha256(policy),
    unavailable === null ? warnings : [unavailable, ...warnings],
  )
  if (flags.has('--html')) process.stdout.write(explanationPage(explained))
  else if (flags.has('--json')) printJson(flags.has('--native') ? { ...explained, words } : explained, 2)
  else if (flags.has('--native')) print(words)
  else print(explanationText(explained))
  return unavailable !== null || plan.claims.some(({ status }) => status === 'impossible') ? 1 : 0
}

/** Flags belong to the new policy alone: so what they add shows as well. */
function compare(policy: Policy, against: string, { flags }: Parsed): number {
  const side = (name: string, checked: Policy): Side => ({
    policy: name,
    policySha256: policySha256(checked),
    plan: explainPlan(checked).plan,
  })
  const old = side(against, loadPolicy(against))
  const compared = comparison(old, side(flags.get('--policy')?.[0] ?? 'the flags', policy))
  if (flags.has('--json')) printJson(compared, 2)
  else print(comparisonText(compared))
  return compared.widened ? 1 : 0
}

/** `--native` and `--json` go together; no two others do. */
function refuseTwoForms({ flags }: Parsed): void {
  const clash = [
    ['--html', '--json'],
    ['--html', '--native'],
    ['--against', '--html'],
    ['--against', '--native'],
  ].find((pair) => pair.every((name) => flags.has(name)))
  if (clash !== undefined)
    throw new WrongUsage(`${clash.join(' and ')} don't go together: write one of them.`)
}

export const EXPLAIN: CommandEntry = { flags: FLAGS, act: explain, wrong: 2 }
