/** `verify --boundary all`: the same policy on each boundary that this host has, one after the other. */
import { spawn } from 'node:child_process'
import { boundaryNamed, isOfEngine } from '../boundary/index.js'
import { BoundaryUnavailableError } from '../errors/index.js'
import { withEngine } from '../host/index.js'
import { BOUNDARIES, type BoundaryName, policyFromFlags } from '../policy/index.js'
import { hostOf, planOf } from '../sandbox/index.js'
import { type Parsed, WrongUsage } from './flags.js'
import { policyFlags } from './policy-flags.js'
import { print, say, sentence } from './terminal.js'

export const ALL = 'all'

/** Files are written by one, and what programs read is one text. */
const OF_ONE = ['--junit', '--receipt', '--check', '--json', '--list']

/**
 * 1 when a promise is broken on any. A boundary that can't be had here is named with what is missing, and is no failure: `doctor` says the same.
 * @param argv everything behind `glovebox`
 */
export async function verifyAll(parsed: Parsed, argv: readonly string[]): Promise<number> {
  const clash = OF_ONE.find((name) => parsed.flags.has(name))
  if (clash !== undefined)
    throw new WrongUsage(`${clash} is about one boundary: write \`--boundary NAME\` in place of all.`)
  let code = 0
  let tried = 0
  for (const boundary of BOUNDARIES) {
    if (boundaryNamed(boundary) === null) continue
    const lack = await lackOf(parsed, boundary)
    print([lack === null ? `${boundary}:` : `${boundary}: not verified. ${lack}`])
    if (lack !== null) continue
    tried += 1
    code = Math.max(code, await verifyOne(argv, boundary))
    print([''])
  }
  if (tried > 0) return code
  say('No boundary of this host can keep this policy.')
  return 1
}

/** Why the policy can't be kept on it here; `null`: it can. */
async function lackOf(parsed: Parsed, boundary: BoundaryName): Promise<string | null> {
  const flags = new Map(parsed.flags).set('--boundary', [boundary])
  const policy = policyFromFlags(policyFlags({ ...parsed, flags }), {
    cwd: process.cwd(),
    callerEnv: process.env,
  })
  const host = hostOf()
  try {
    planOf(policy, isOfEngine(boundary) ? await withEngine(host) : host)
    return null
  } catch (error) {
    if (error instanceof BoundaryUnavailableError) return sentence(error)
    throw error
  }
}

/** In a process of its own: a verification enters a world that it can't leave. */
function verifyOne(argv: readonly string[], boundary: BoundaryName): Promise<number> {
  const script = process.argv[1] ?? ''
  const child = spawn(process.execPath, [...process.execArgv, script, ...withBoundary(argv, boundary)], {
    stdio: 'inherit',
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

/** `--boundary all` and `--boundary=all` are both how it may stand there. */
function withBoundary(argv: readonly string[], boundary: BoundaryName): string[] {
  return argv.map((each, index) =>
    each === `--boundary=${ALL}`
      ? `--boundary=${boundary}`
      : each === ALL && argv[index - 1] === '--boundary'
        ? boundary
        : each,
  )
}
