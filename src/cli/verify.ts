import { BoundaryUnavailableError, LaunchError, visible, visibleJson } from '../errors/index.js'
import type { HostFacts } from '../host/index.js'
import type { Plan } from '../plan/index.js'
import { policyFromFlags, policySha256 } from '../policy/index.js'
import {
  basisHere,
  changesOf,
  checked,
  checkedText,
  enteredWorld,
  hostInWorld,
  junitXml,
  listing,
  listingText,
  lookAround,
  PROBES,
  type Probe,
  receiptOf,
  runInWorld,
  selected,
  type Verification,
  verification,
  verificationText,
  verifyPlan,
} from '../proof/index.js'
import { hostFor, makeDisk, planOf, requireKeepable } from '../sandbox/index.js'
import { type CommandEntry, type Flag, type Parsed, WrongUsage } from './flags.js'
import { OutputFile } from './output-file.js'
import { POLICY_FLAGS, policyFlags } from './policy-flags.js'
import { Progress } from './progress.js'
import { receiptIn } from './receipt-file.js'
import { EndingSignals } from './signals.js'
import { print, printJson, say, sentence } from './terminal.js'
import { ALL, verifyAll } from './verify-all.js'
import { VERSION } from './version.js'
import { refuseWords } from './words.js'

const FLAGS: readonly Flag[] = [
  ...POLICY_FLAGS,
  {
    name: '--only',
    value: 'BEGINNING',
    repeatable: true,
    help: 'the probes whose id, or whose claim’s, begins so',
  },
  { name: '--list', help: 'the probes that would run; runs nothing' },
  { name: '--verbose', help: 'a line for each probe, and for each reason' },
  { name: '--junit', value: 'FILE', help: 'write the result there as CI systems read it' },
  { name: '--receipt', value: 'FILE', help: 'write there what was verified, and where' },
  {
    name: '--check',
    value: 'FILE',
    help: 'does a receipt fit this host, this Glovebox and this plan? Attacks nothing; exits 1 if anything changed',
  },
  {
    name: '--unsafe-controls',
    help: 'also controls that a machine in use would notice: for a machine of tests',
  },
  { name: '--warm', help: 'attack sandboxes that waited for their job, as the library’s pool has them' },
  {
    name: '--reused',
    help: 'attack sandboxes that another job was in before, as sessions and `reuse` have them',
  },
  { name: '--quiet', help: 'no progress on standard error' },
  { name: '--json', help: 'the same for programs' },
  { name: '--help', help: 'this' },
]

interface Target {
  readonly host: HostFacts
  readonly plan: Plan
  readonly policySha256: string
}

/** Attacks the sandbox of a policy from inside. 1 unless all that was tried holds. */
async function verify(parsed: Parsed): Promise<number> {
  const { flags } = parsed
  refuseWords(parsed)
  if (flags.get('--boundary')?.[0] === ALL) return verifyAll(parsed, process.argv.slice(2))
  refuseClashes(parsed)
  const policy = policyFromFlags(policyFlags(parsed), { cwd: process.cwd(), callerEnv: process.env })
  const only = flags.get('--only') ?? null
  const probes = only === null ? PROBES : selected(PROBES, only)
  const receipt = flags.get('--check')?.[0]
  const read = receipt === undefined ? null : receiptIn(receipt)
  const host = hostInWorld(await hostFor(policy.boundary))
  try {
    const target = { host, plan: planOf(policy, host), policySha256: policySha256(policy) }
    if (flags.has('--warm')) requireKeepable(target.plan, 1)
    if (read !== null) return check(read, target, parsed)
    return flags.has('--list') ? list(probes, target, parsed) : await attack(probes, only, target, parsed)
  } catch (error) {
    // it was used rightly: what was asked about is not there
    if (!(error instanceof BoundaryUnavailableError || error instanceof LaunchError)) throw error
    say(sentence(error))
    return 1
  }
}

function check(receipt: ReturnType<typeof receiptIn>, target: Target, { flags }: Parsed): number {
  const found = checked(receipt, basisHere(target.host, { ...target, version: VERSION }))
  if (flags.has('--json')) printJson(found, 2)
  else print(checkedText(found))
  return found.passed && found.changes.length === 0 ? 0 : 1
}

function list(probes: readonly Probe[], { plan, host }: Target, { flags }: Parsed): number {
  const listed = listing(probes, { plan, host, ...lookAround() })
  if (flags.has('--json')) printJson(listed, 2)
  else print(listingText(listed))
  return 0
}

async function attack(
  probes: readonly Probe[],
  only: readonly string[] | null,
  target: Target,
  { flags }: Parsed,
): Promise<number> {
  const world = enteredWorld()
  if (world === null) {
    refuseLoneId(target)
    await withDisk(target.plan, flags)
    const { host, plan } = target
    const machines = plan.boundary === 'microvm' ? host.machines() : null
    const { code, cut } = await runInWorld(process.argv.slice(1), portsOf(plan), machines)
    if (cut) say(CUT)
    return code
  }
  // before a minute of attacks, not after it
  const junit = outputOf(flags, '--junit')
  const receipt = outputOf(flags, '--receipt')
  const signals = new EndingSignals()
  const progress = new Progress(flags.has('--quiet'))
  const look = () => basisHere(target.host, { ...target, version: VERSION })
  const before = look()
  const [startedAt, began] = [new Date().toISOString(), performance.now()]
  try {
    const results = await verifyPlan(target.plan, target.host, {
      probes,
      world,
      unsafeControls: flags.has('--unsafe-controls'),
      warm: flags.has('--warm'),
      reused: flags.has('--reused'),
      signal: signals.ended.signal,
      onResult: (result, done, of) => progress.show(result, done, of),
    })
    const basis = look()
    refuseMoved(changesOf(before, basis))
    const ms = Math.round(performance.now() - began)
    const asked = only === null ? null : probes.map(({ claim }) => claim)
    const found = verification(basis, { startedAt, ms, only, asked, plan: target.plan, results })
    progress.clear()
    show(found, flags)
    written(junit, junitXml(found))
    written(receipt, `${visibleJson(receiptOf(found), 2)}\n`)
    return found.passed ? 0 : 1
  } catch (error) {
    if (!signals.ended.signal.aborted) throw error
    say(CUT)
    return signals.exitCode
  } finally {
    progress.clear()
    for (const each of [junit, receipt]) each?.remove()
  }
}

/** An ordinary user has one id in a world of its own: enough for a jail, which is what a machine is in too. A container takes two. */
function refuseLoneId({ plan, host }: Target): void {
  if (plan.boundary === 'process' || plan.boundary === 'microvm' || host.uid === 0) return
  throw new LaunchError(
    'verify.needsRoot',
    `To verify the boundary "${plan.boundary}" takes root: its sandboxes are attacked in a world of their own, in which an ordinary user has one id, and a container needs two.`,
    'As root: `sudo glovebox verify …` with the same flags. Jobs need no root for it.',
  )
}

/** Before the world in which it is attacked, where no image can be changed. */
async function withDisk(plan: Plan, flags: Parsed['flags']): Promise<void> {
  const progress = new Progress(flags.has('--quiet'))
  try {
    await makeDisk(plan, (what) => progress.line(`glovebox: ${what}`))
  } finally {
    progress.clear()
  }
}

/** All that anything could be tried on, where the kernel can't hear every port: those of rules, and of probes. */
function portsOf({ network }: Plan): number[] {
  const ports = network?.rules.flatMap((rule) => rule.ports.map(({ port }) => port)) ?? []
  return [...new Set([...ports, ...PROBED_PORTS])]
}

const PROBED_PORTS = [22, 53, 80, 443, 853, 8053, 8080, 31_337]

const CUT = 'Ended by a signal: nothing was verified, and nothing is left.'

/** An upgrade in the middle: some probes attacked what was there, some what is there now. */
function refuseMoved(changes: ReturnType<typeof changesOf>): void {
  if (changes.length === 0) return
  const names = changes.map(({ what }) => what).join(', ')
  throw new LaunchError('verify.moved', `While it was verified, this changed: ${names}.`, 'Verify again.')
}

function show(found: Verification, flags: Parsed['flags']): void {
  if (flags.has('--json')) printJson(found, 2)
  else print(verificationText(found, { verbose: flags.has('--verbose') }))
}

/** That it could be written was seen before; a disk may be full since. */
function written(file: OutputFile | null, text: string): void {
  try {
    file?.write(text)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const what = `${visible(file?.path ?? '')} could not be written (${code ?? 'unknown error'}).`
    throw new LaunchError('verify.unwritten', what, 'What was found stands above.')
  }
}

function outputOf(flags: Parsed['flags'], flag: '--junit' | '--receipt'): OutputFile | null {
  const file = flags.get(flag)?.[0]
  if (file === undefined) return null
  // whoever can make a receipt's name a link would have it written elsewhere, by root perhaps
  return new OutputFile(flag, file, flag === '--receipt' ? { plain: true, mode: 0o644 } : {})
}

const ATTACKING = ['--junit', '--receipt', '--unsafe-controls', '--warm', '--reused', '--verbose', '--quiet']

function refuseClashes({ flags }: Parsed): void {
  const clash = [
    ...[...ATTACKING, '--only', '--list'].map((other) => ['--check', other]),
    ...ATTACKING.map((other) => ['--list', other]),
    ['--json', '--verbose'],
  ].find((pair) => pair.every((name) => flags.has(name)))
  if (clash !== undefined)
    throw new WrongUsage(`${clash.join(' and ')} don't go together: write one of them.`)
  if (flags.has('--only') && flags.has('--receipt'))
    throw new WrongUsage('--only and --receipt: a receipt is of all probes. Leave one of them out.')
  const [junit, receipt] = ['--junit', '--receipt'].map((name) => flags.get(name)?.[0])
  if (junit !== undefined && junit === receipt)
    throw new WrongUsage('--junit and --receipt name one file: write two.')
}

export const VERIFY: CommandEntry = { flags: FLAGS, act: verify, wrong: 2 }
