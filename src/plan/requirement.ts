/** Every promise a plan can make. A boundary's table of answers must have one entry for each. */
export const REQUIREMENT_IDS = [
  'identity.unprivileged',
  'identity.own-host-uid',
  'identity.no-new-privileges',
  'identity.no-user-namespaces',
  'isolation.processes',
  'isolation.ipc',
  'isolation.host-name',
  'isolation.cgroup-view',
  'isolation.no-terminal',
  'isolation.nothing-inherited',
  'isolation.security-module',
  'isolation.known-escapes',
  'files.root-read-only',
  'files.host-hidden',
  'files.devices',
  'files.proc',
  'files.scratch-bounded',
  'files.read-grants',
  'files.write-collected',
  'files.live-writes',
  'files.second-wall',
  'network.none',
  'network.gateway-only',
  'network.no-datagrams',
  'network.names',
  'network.checked-address',
  'network.no-metadata',
  'network.no-host-services',
  'network.tls-name',
  'network.http-rewritten',
  'network.inspected',
  'network.budgets',
  'network.recorded',
  'credentials.never-inside',
  'credentials.bound-to-host',
  'credentials.no-placeholder-elsewhere',
  'credentials.leased',
  'credentials.no-reflection',
  'credentials.not-written',
  'syscalls.profile',
  'syscalls.native-abi-only',
  'syscalls.no-sockets',
  'syscalls.no-exec',
  'syscalls.lock',
  'limits.memory',
  'limits.cpus',
  'limits.processes',
  'limits.open-files',
  'limits.output',
  'limits.no-core-dumps',
  'lifetime.deadline',
  'lifetime.no-output',
  'lifetime.bound-to-supervisor',
  'lifetime.single-use',
  'lifetime.one-tenant',
  'lifetime.empty',
  'lifetime.nothing-left',
] as const

export type RequirementId = (typeof REQUIREMENT_IDS)[number]

/** The families of the threat model in `docs/threats.md`. */
export type ThreatFamily = 'escape' | 'network' | 'credentials' | 'staying' | 'doors'

/** What a plane says must hold. */
export interface Requirement {
  readonly id: RequirementId
  /** the promise, one sentence that can be true or false of a running sandbox */
  readonly sentence: string
  readonly family: ThreatFamily
  /** `notApplicable` when the policy asks for nothing here, e.g. no read grants */
  readonly applies: boolean
}

/** What enforces, as reports say it, and the mechanisms that the words stand for. */
export interface Means {
  readonly says: string
  /** ids of the boundary's own */
  readonly mechanisms: readonly [string, ...string[]]
}

/** The boundary's yes: by which mechanisms. */
export interface Enforcement {
  readonly kind: 'enforced'
  readonly by: readonly [Means, ...Means[]]
}

/** The boundary's no: why not on this host, and how to get it. */
export interface Refusal {
  readonly kind: 'impossible'
  readonly why: string
  readonly get: string
}

/** Neither: a wall behind another, which this host does not have. Nothing rests on it, so nothing is refused. */
export interface Absence {
  readonly kind: 'absent'
  readonly why: string
}

export type Answer = Enforcement | Refusal | Absence

export type ClaimStatus = 'enforced' | 'waived' | 'impossible' | 'notApplicable'

/** A requirement with its answer: one checkable promise of a plan. */
export interface Claim {
  readonly id: RequirementId
  readonly sentence: string
  readonly family: ThreatFamily
  readonly status: ClaimStatus
  /** mechanisms in words, strongest first; empty unless enforced */
  readonly by: readonly string[]
  /** the same as ids, each once */
  readonly mechanisms: readonly string[]
  /** why not and how to get it; only when impossible or waived on a host that can't */
  readonly refusal: Refusal | null
  /** why this host does not have it, where nothing rests on it; only when not applicable */
  readonly absence: string | null
}

export function enforcedBy(first: Means, ...more: Means[]): Enforcement {
  return { kind: 'enforced', by: [first, ...more] }
}

export function impossible(why: string, get: string): Refusal {
  return { kind: 'impossible', why, get }
}

export function absent(why: string): Absence {
  return { kind: 'absent', why }
}

/** Joins a requirement with its answer. A waived control is never reported as enforced. */
export function claimOf(requirement: Requirement, answer: Answer, waived: boolean): Claim {
  const { id, sentence, family } = requirement
  const claim = { id, sentence, family, by: [], mechanisms: [], refusal: null, absence: null }
  if (!requirement.applies) return { ...claim, status: 'notApplicable' }
  if (answer.kind === 'absent') return { ...claim, status: 'notApplicable', absence: answer.why }
  const refusal = answer.kind === 'impossible' ? answer : null
  if (waived) return { ...claim, status: 'waived', refusal }
  if (answer.kind === 'impossible') return { ...claim, status: 'impossible', refusal }
  const mechanisms = [...new Set(answer.by.flatMap((means) => means.mechanisms))]
  return { ...claim, status: 'enforced', by: answer.by.map(({ says }) => says), mechanisms }
}
