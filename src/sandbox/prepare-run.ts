/** From a call to a run that can begin: all that can be refused of it is, before anything is started. */
import { randomUUID } from 'node:crypto'
import type { SandboxSource } from '../boundary/index.js'
import type { Plan } from '../plan/index.js'
import type { Policy } from '../policy/index.js'
import type { CollectedFile } from '../report/index.js'
import { checkSecrets } from './credentials/secrets-given.js'
import type { Events } from './events/index.js'
import { handedIn } from './handed-in.js'
import { checkStdin, inputFiles, stdinOf } from './inputs.js'
import type { Job } from './job.js'
import type { RunOptions } from './options.js'
import type { Prepared } from './performed.js'
import { rootMaker } from './root-maker.js'
import { JobRun } from './run.js'
import { RunCredentials } from './run-credentials.js'
import { terminalOf } from './terminal.js'
import type { Turn } from './turn.js'
import { wantedOf } from './wanted.js'

/** What a run is made of, besides what its caller says. */
export interface Means {
  readonly policy: Policy
  readonly plan: Plan
  readonly events: Events
  readonly source: SandboxSource
  readonly network: Job['network']
  readonly turn: Turn
}

/** @throws UsageError for a call that can't mean anything */
export function prepareRun(
  { policy, plan, events: all, source, network, turn }: Means,
  command: readonly [string, ...string[]],
  options: RunOptions,
): Prepared {
  const { tenant = null, secrets = {} } = options
  checkSecrets(plan.credentials, secrets)
  const id = randomUUID()
  const credentials = new RunCredentials({
    credentials: plan.credentials,
    whose: { sandbox: id, tenant },
    secrets,
    cancel: options.signal ?? null,
  })
  const events = all.ofRun(policy, { id, tenant, plan, credentials })
  const collected: Record<string, Uint8Array> = Object.create(null)
  const copied: CollectedFile[] = []
  const inputs = Promise.all([
    inputFiles(options.inputs ?? {}, plan, copied),
    checkStdin(options.stdin),
  ]).then(([files]) => files)
  inputs.catch(() => {}) // awaited when the run begins
  const run = new JobRun({
    plan,
    network,
    credentials: credentials.all,
    events,
    handedIn: handedIn(options),
    argv: command,
    makeRoot: rootMaker(plan, options),
    inputs,
    wanted: wantedOf(plan, options.outputs ?? [], collected),
    terminal: terminalOf(options.tty),
    stdin: stdinOf(options.stdin),
    cancel: options.signal ?? null,
    turn,
    onStarted: options.onStarted ?? null,
  })
  return { id, policy, plan, command, run, events, credentials, source, collected, copied }
}
