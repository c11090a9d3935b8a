import type { Plan, RootPlan } from '../plan/index.js'
import {
  type CollectedFile,
  claimsInReport,
  type Report,
  type ReportedRoot,
  type Usage,
} from '../report/index.js'
import { attemptsOmitted, networkAttempts, observedOf } from './attempts.js'
import type { Outcome } from './job.js'

export function reportOf(
  id: string,
  policySha256: string,
  plan: Plan,
  command: readonly string[],
  tenant: string | null,
  inputs: readonly CollectedFile[],
  outcome: Outcome,
): Report {
  const { verdict, times, end } = outcome
  return {
    version: 1,
    id,
    tenant,
    startedAt: times.acceptedAt.toISOString(),
    policySha256,
    boundary: plan.boundary,
    root: reportedRoot(plan.files.root),
    sandbox: { warm: outcome.isWarm, ...outcome.turn },
    command,
    result: {
      reason: verdict.reason,
      exitCode: verdict.exitCode,
      signal: verdict.signal,
      message: verdict.message,
    },
    usage: usageOf(outcome),
    network: networkAttempts(outcome.network, end),
    networkOmitted: attemptsOmitted(outcome.network, end),
    credentials: outcome.credentials,
    claims: claimsInReport(plan.claims, observedOf(outcome.network, end)),
    inputs,
    outputs: outcome.outputs,
    waivers: plan.waivers,
  }
}

export function usageOf({ times, end, bytes, commandCpuMs }: Outcome): Usage {
  const rounded = (ms: number) => Math.round(ms * 1000) / 1000
  return {
    wallMs: rounded(times.wallMs),
    queueMs: rounded(times.queueMs),
    startMs: rounded(times.startMs),
    cpuMs: rounded(commandCpuMs ?? end.cpuMs),
    peakMemoryBytes: end.peakMemoryBytes,
    stdoutBytes: bytes.stdout,
    stderrBytes: bytes.stderr,
  }
}

/** Where the store has it is nobody's business who reads a report. */
function reportedRoot(root: RootPlan): ReportedRoot {
  return root.kind === 'image' ? { kind: root.kind, reference: root.reference, digest: root.digest } : root
}
