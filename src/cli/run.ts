import { basename, dirname, posix, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type GloveboxError, UsageError, visible } from '../errors/index.js'
import { BOUNDARIES, type BoundaryName, type Policy, policyFromFlags } from '../policy/index.js'
import { withoutArguments } from '../report/index.js'
import { Glovebox, type Run, withoutGiven } from '../sandbox/index.js'
import { CallersTerminal } from './callers-terminal.js'
import { type Flag, type Parsed, WrongUsage } from './flags.js'
import { missingFileHint, networklessHint, refusedAttemptsHint, starterHint } from './hints.js'
import { leaseSentences } from './leases.js'
import { lookAt } from './output-file.js'
import { POLICY_FLAGS, policyFlags } from './policy-flags.js'
import { Progress } from './progress.js'
import { ReportFile, refusedReport, written } from './report-file.js'
import { PassedSignals } from './signals.js'
import { say, sentence } from './terminal.js'
import { refuseWords } from './words.js'

const REJECTED = 125
const SIGNAL_BASE = 128

export const RUN_FLAGS: readonly Flag[] = [
  ...POLICY_FLAGS,
  {
    name: '--input',
    value: 'FILE[:INSIDE]',
    repeatable: true,
    help: 'copy a file in, for this job (default: its name in the work directory)',
  },
  {
    name: '--output',
    value: 'INSIDE[:FILE]',
    repeatable: true,
    help: 'collect a file or folder when the job has ended (default: its name here)',
  },
  { name: '--tenant', value: 'ID', help: 'who the job is for; goes into the report' },
  { name: '--report', value: 'FILE', help: 'write what happened there, as JSON' },
  { name: '--tty', help: 'a terminal of its own for the job, shown on this one' },
  { name: '--quiet', help: 'say nothing on standard error that the job did not say' },
  { name: '--help', help: 'this' },
]

/** Which launcher to begin with. Where a file names another boundary, or this is no name of one, that shows when the policy is read. */
function boundaryFlag(flags: Parsed['flags']): { boundary?: BoundaryName } {
  const boundary = BOUNDARIES.find((each) => each === flags.get('--boundary')?.[0])
  return boundary === undefined ? {} : { boundary }
}

/** One job in a fresh sandbox. Returns the exit code. */
export async function run(parsed: Parsed): Promise<number> {
  const { flags } = parsed
  const [command, ...rest] = commandOf(parsed)
  let policy: Policy | null = null
  let running: Run | null = null
  const named = secretsNamed(flags.get('--secret') ?? [], process.env)
  const redact = (text: string) => withoutGiven(running?.redact(text) ?? text, named)
  const tell = flags.has('--quiet') ? () => {} : (text: string) => say(redact(text))
  const report = new ReportFile(flags.get('--report')?.[0] ?? null)
  let glovebox: Glovebox | null = null
  let terminal: CallersTerminal | null = null
  const progress = new Progress(flags.has('--quiet'))
  try {
    // The launcher comes up while the policy is read: both take about as long.
    glovebox = Glovebox.startNow({ single: true, ...boundaryFlag(flags) })
    if (flags.has('--tty')) terminal = await CallersTerminal.open()
    const shownBy = terminal
    const read = policyFromFlags(policyFlags(parsed), { cwd: process.cwd(), callerEnv: process.env })
    policy = read
    const inputs = pairs('--input', flags.get('--input') ?? [], inputPair)
    const signals = new PassedSignals()
    let shown: Promise<unknown> = Promise.resolve()
    const started = glovebox.run(policy, [command, ...rest], {
      inputs,
      outputs: pairs('--output', flags.get('--output') ?? [], outputPair),
      stdin: () => process.stdin,
      ...(shownBy === null ? {} : { tty: { ...shownBy.size, ...termOf(process.env) } }),
      signal: signals.cancel.signal,
      buffer: false,
      ...(flags.has('--tenant') ? { tenant: flags.get('--tenant')?.[0] ?? '' } : {}),
      // our own streams take a while to make, and then there is time; nothing is read yet
      onPreparing: (what) => progress.line(`glovebox: ${what}`),
      onLaunched() {
        progress.clear()
        const output = shownBy === null ? started.stdout : Readable.from(shownBy.watched(started.stdout))
        shown = Promise.all([show(output, process.stdout), show(started.stderr, process.stderr)])
        void process.stdin
      },
      onStarted(send) {
        shownBy?.take((size) => started.resize(size))
        signals.onStarted(send)
      },
    })
    running = started
    const result = await started
    if (policy.credentials.length > 0)
      for (const each of leaseSentences(result.report.credentials)) tell(each)
    const complete = await signals.outlast(shown)
    await terminal?.end() // before anything of our own is said
    if (result.message !== null || result.reason === 'signal')
      tell(result.message ?? `The job was killed by ${result.signal}.`)
    const mistaken = (result.reason === 'exited' || result.reason === 'failed') && result.exitCode !== 0
    const insideNames = [
      ...Object.keys(inputs),
      ...[...policy.files.read, ...policy.files.write].map(({ inside }) => inside),
    ]
    const hint = mistaken
      ? (missingFileHint([command, ...rest], process.cwd(), insideNames) ??
        starterHint(command, policy.syscalls.profile) ??
        (policy.network === null ? networklessHint(command) : refusedAttemptsHint(result.report.network)))
      : null
    if (hint !== null) tell(hint)
    const exitCode = written(report, () => result.report, tell) ? result.exitCode : REJECTED
    if (complete) return exitCode
    await glovebox.close()
    return process.exit(SIGNAL_BASE + signals.cancel.signal.reason) // a write that nobody takes would keep us
  } catch (error) {
    await terminal?.end()
    progress.clear()
    tell(sentence(error))
    const given = [command, ...rest]
    const shown =
      running?.knowsValues() === true || isWithoutCredentials(parsed, policy)
        ? given
        : withoutArguments(given)
    written(
      report,
      () => refusedReport(shown.map(redact), redact(sentence(error)), error as GloveboxError),
      tell,
    )
    return REJECTED
  } finally {
    await glovebox?.close()
  }
}

/** What `--secret NAME@HOST` names, which a sentence about another flag may repeat before any source was asked. */
function secretsNamed(flags: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const names = flags.map((each) => each.split('@', 1)[0] ?? '')
  return Object.fromEntries(names.map((name) => [name, env[name] ?? '']))
}

/** As far as it is known: of a policy that could not be read, nothing is. */
function isWithoutCredentials({ flags }: Parsed, policy: Policy | null): boolean {
  return policy === null ? !flags.has('--policy') && !flags.has('--secret') : policy.credentials.length === 0
}

function termOf({ TERM }: NodeJS.ProcessEnv): { term?: string } {
  return TERM === undefined ? {} : { term: TERM }
}

function commandOf(parsed: Parsed): [string, ...string[]] {
  const { words, command } = parsed
  if (command === null) {
    const hint = words.length === 0 ? '' : ` ${JSON.stringify(words[0])} stands before it.`
    throw new WrongUsage(`The command goes behind "--": glovebox run [flags] -- COMMAND [ARG…].${hint}`)
  }
  refuseWords(parsed)
  const [first, ...rest] = command
  if (first === undefined || first === '') throw new WrongUsage('There is no command behind "--".')
  return [first, ...rest]
}

/** The reader of our own output may go away: then so does the job's, which is a broken pipe as anywhere. */
async function show(from: Readable, to: NodeJS.WriteStream): Promise<void> {
  to.on('error', () => from.destroy())
  await pipeline(from, to, { end: false }).catch(() => {})
  if (!to.destroyed) await new Promise<void>((resolve) => to.write('', () => resolve())) // until the last byte is out
}

type Pair = readonly [key: string, value: string]

function pairs(
  flag: string,
  values: readonly string[],
  pair: (value: string) => Pair,
): Record<string, string> {
  const made: Record<string, string> = Object.create(null)
  for (const value of values) {
    const [key, other] = pair(value)
    if (made[key] !== undefined)
      throw new UsageError(
        'flag.twice',
        `Two ${flag} are ${visible(key)} inside.`,
        'Give each one once, or write FILE:INSIDE.',
      )
    made[key] = other
  }
  return made
}

function inputPair(value: string): Pair {
  const [file, inside] = split(value)
  return [inside ?? basename(file), resolve(file)]
}

function outputPair(value: string): Pair {
  const [inside, file] = split(value)
  const destination = resolve(file ?? posix.basename(inside))
  if (/\*/.test(inside))
    throw new UsageError(
      'output.pattern',
      `--output ${visible(value)}: write a path, not a pattern.`,
      'A folder is collected whole.',
    )
  const existing = lookAt(destination)
  // moving a file over /dev/null, /dev/stdout or a socket would take it away from everyone
  if (existing !== undefined && !existing.isFile() && !existing.isDirectory())
    throw new UsageError(
      'output.special',
      `--output ${visible(value)}: ${visible(destination)} is no plain file.`,
      'Name a file, or let the job write to its standard output.',
    )
  if (!lookAt(dirname(destination))?.isDirectory())
    throw new UsageError(
      'output.folder',
      `--output ${visible(value)}: there is no folder ${visible(dirname(destination))}.`,
      'Make it first.',
    )
  return [inside, destination]
}

function split(value: string): [string, string | null] {
  const colon = value.indexOf(':')
  const [left, right] = colon === -1 ? [value, null] : [value.slice(0, colon), value.slice(colon + 1)]
  if (left === '' || right === '')
    throw new UsageError(
      'flag.pair',
      `${JSON.stringify(value)} has nothing on one side of its colon.`,
      'Write FILE:INSIDE, or one path alone.',
    )
  return [left, right]
}
