import { loadPolicy, type Policy, policyFromFlags, policySha256 } from '../policy/index.js'
import {
  comparison,
  comparisonText,
  explanation,
  explanationPage,
  explanationText,
  type Side,
} from '../proof/index.js'
import { explainPlan, hostFor } from '../sandbox/index.js'
import { type CommandEntry, type Flag, type Parsed, WrongUsage } from './flags.js'
import { POLICY_FLAGS, policyFlags } from './policy-flags.js'
import { print, printJson } from './terminal.js'
import { refuseWords } from './words.js'

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
async function explain(parsed: Parsed): Promise<number> {
  refuseWords(parsed)
  refuseTwoForms(parsed)
  refuseNothingNew(parsed)
  const policy = policyFromFlags(policyFlags(parsed), { cwd: process.cwd(), callerEnv: process.env })
  const [against] = parsed.flags.get('--against') ?? []
  return against === undefined ? explainOne(policy, parsed) : compare(policy, against, parsed)
}

async function explainOne(policy: Policy, { flags }: Parsed): Promise<number> {
  const { plan, kernel, words, warnings, unavailable } = await explained(policy)
  const text = explanation(
    plan,
    kernel,
    policySha256(policy),
    unavailable === null ? warnings : [unavailable, ...warnings],
  )
  if (flags.has('--html')) process.stdout.write(explanationPage(text))
  else if (flags.has('--json')) printJson(flags.has('--native') ? { ...text, words } : text, 2)
  else if (flags.has('--native')) print(words)
  else print(explanationText(text))
  return unavailable !== null || plan.claims.some(({ status }) => status === 'impossible') ? 1 : 0
}

const explained = async (policy: Policy) => explainPlan(policy, await hostFor(policy.boundary))

/** Flags belong to the new policy alone: so what they add shows as well. */
async function compare(policy: Policy, against: string, { flags }: Parsed): Promise<number> {
  const side = async (name: string, checked: Policy): Promise<Side> => ({
    policy: name,
    policySha256: policySha256(checked),
    plan: (await explained(checked)).plan,
  })
  const old = await side(against, loadPolicy(against))
  const compared = comparison(old, await side(flags.get('--policy')?.[0] ?? 'the flags', policy))
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

/** A ratchet that forgot --policy would measure the defaults, which grant nothing, and pass for ever. */
function refuseNothingNew({ flags }: Parsed): void {
  const against = flags.get('--against')?.[0]
  if (against === undefined || POLICY_FLAGS.some(({ name }) => flags.has(name))) return
  const old = JSON.stringify(against)
  throw new WrongUsage(
    `--against ${old} is the older side, and no flag says what the newer one is. Write --policy NEW --against ${old}.`,
  )
}

export const EXPLAIN: CommandEntry = { flags: FLAGS, act: explain, wrong: 2 }
