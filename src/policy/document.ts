import { formatDuration, formatSize } from '../units/index.js'
import { credentialsDocument } from './credentials-document.js'
import { networkDocument } from './network-document.js'
import type { Grant, Policy, ReusePolicy, WriteGrant } from './policy.js'
import { rootText } from './root.js'
import type { PolicyDocument } from './schema.js'

/**
 * The policy as a file would spell it, every default written out. Parsing it again on this host gives an equal
 * policy, so it can be printed, kept and reviewed.
 */
export function policyDocument(policy: Policy): PolicyDocument {
  const { lifetime, limits } = policy
  const quiet = lifetime.noOutputMs === null ? {} : { noOutput: formatDuration(lifetime.noOutputMs) }
  return {
    version: 1,
    boundary: policy.boundary,
    root: rootText(policy.root),
    workdir: policy.workdir,
    env: { ...policy.env },
    ...(policy.network === null ? {} : { network: networkDocument(policy.network) }),
    ...(policy.credentials.length === 0 ? {} : { credentials: credentialsDocument(policy.credentials) }),
    files: { read: policy.files.read.map(long), write: policy.files.write.map(longWrite) },
    lifetime: {
      deadline: formatDuration(lifetime.deadlineMs),
      ...quiet,
      reuse: reuseDocument(lifetime.reuse),
    },
    limits: {
      memory: formatSize(limits.memoryBytes),
      cpus: limits.cpus,
      processes: limits.processes,
      openFiles: limits.openFiles,
      output: formatSize(limits.outputBytes),
      scratch: formatSize(limits.scratchBytes),
    },
    syscalls: {
      profile: policy.syscalls.profile,
      ...(policy.syscalls.lock === null ? {} : { lock: policy.syscalls.lock }),
      deny: [...policy.syscalls.deny],
      allow: [...policy.syscalls.allow],
    },
    waive: [...policy.waive],
  }
}

function reuseDocument(reuse: Policy['lifetime']['reuse']) {
  return reuse === null ? 'never' : reuseRule(reuse)
}

function reuseRule({ within, runs, ageMs, scratch }: ReusePolicy) {
  return { within, runs, age: formatDuration(ageMs), scratch }
}

/** The long form: a host path may contain a colon. */
function long({ host, inside }: Grant): { path: string; inside: string } {
  return { path: host, inside }
}

function longWrite({ live, ...grant }: WriteGrant): { path: string; inside: string; live?: true } {
  return { ...long(grant), ...(live ? { live } : {}) }
}
