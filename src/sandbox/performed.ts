import type { SandboxSource } from '../boundary/index.js'
import type { Plan } from '../plan/index.js'
import { type Policy, policySha256 } from '../policy/index.js'
import { type CollectedFile, withoutArguments } from '../report/index.js'
import type { RunEvents } from './events/index.js'
import type { RunOptions } from './options.js'
import { kept } from './plan-runner.js'
import { reportOf, usageOf } from './report.js'
import { RunResult } from './result.js'
import type { JobRun } from './run.js'
import type { RunCredentials } from './run-credentials.js'

export interface Prepared {
  readonly id: string
  readonly policy: Policy
  readonly plan: Plan
  readonly command: readonly [string, ...string[]]
  readonly run: JobRun
  /** `null`: nobody listens */
  readonly events: RunEvents | null
  readonly credentials: RunCredentials
  readonly source: SandboxSource
  readonly collected: Record<string, Uint8Array>
  readonly copied: CollectedFile[]
}

/** A run to its end, as its caller sees it. Rejects as `Glovebox.run` does, with no credential's value in what it says. */
export async function performed(
  { id, policy, plan, command, run, events, credentials, source, collected, copied }: Prepared,
  options: RunOptions,
): Promise<RunResult> {
  const all = options.buffer === false ? [] : [kept(run.stdout), kept(run.stderr)]
  events?.queued()
  const finishing = run.finish(source).then(
    (outcome) => {
      events?.ended(outcome, usageOf(outcome))
      return outcome
    },
    (error) => {
      events?.refused(error)
      throw credentials.redactError(error)
    },
  )
  // what the caller needs besides is made while the sandbox comes up
  const isLaunched = await Promise.race([run.launched.then(() => true), finishing.then(() => false)])
  try {
    if (isLaunched) options.onLaunched?.()
  } catch (error) {
    run.cancel() // the caller's mistake ends its run, and never leaves one that nobody waits for
    await finishing
    throw error
  }
  const outcome = await finishing
  const { tenant = null } = options
  const told = credentials.knowsValues ? command : withoutArguments(command)
  const report = () =>
    credentials.redactAll(reportOf(id, policySha256(policy), plan, told, tenant, copied, outcome))
  const [stdout, stderr] = await Promise.all(all)
  const nothing = new Uint8Array()
  return new RunResult(
    credentials.redactAll(outcome.verdict),
    report,
    stdout ?? nothing,
    stderr ?? nothing,
    collected,
  )
}
