/** Plans made of the one that is verified, and what of a plan or caller leaves nothing to try. Pure. */
import { isOfEngine } from '../../boundary/index.js'
import type { Plan } from '../../plan/index.js'
import type { Given, Pointless, Trial } from './probe.js'

/** capabilities(7) */
export const CAPABILITY = {
  DAC_READ_SEARCH: 2,
  SETUID: 7,
  SYS_MODULE: 16,
  SYS_PTRACE: 19,
  SYS_PACCT: 20,
  SYS_ADMIN: 21,
  SYS_BOOT: 22,
  SYS_NICE: 23,
  SYS_TIME: 25,
  MKNOD: 27,
} as const

export type CapabilityName = keyof typeof CAPABILITY

export function has({ caller }: Pick<Given, 'caller'>, name: CapabilityName): boolean {
  return ((caller.capabilities >> BigInt(CAPABILITY[name])) & 1n) === 1n
}

/**
 * Whether an engine made the sandbox alone: for another user than root nobody finishes what an engine has no words for, and no answer
 * says so. What holds in its place is tried by other probes of the same claim.
 */
export function byEngineAlone({ plan, host }: Pick<Given, 'plan' | 'host'>): boolean {
  return isOfEngine(plan.boundary) && host.uid !== 0
}

/** A control that takes a capability over the host itself proves nothing where the caller has none. */
export function needing(given: Given, name: CapabilityName, trial: Trial | Pointless): Trial | Pointless {
  return has(given, name) ? trial : { pointless: `without CAP_${name} nobody could do it in the open either` }
}

/** What the policy gives on purpose is no hole. */
export function unlessAllowed(
  { plan }: Pick<Given, 'plan'>,
  calls: readonly string[],
  trial: Trial | Pointless,
): Trial | Pointless {
  const allowed = calls.filter((name) => plan.syscalls.allow.includes(name))
  return allowed.length === 0 ? trial : { pointless: `the policy allows ${allowed.join(', ')}` }
}

/** With these calls let through: what refuses them then is another wall than the filter. */
export function allowing(plan: Plan, calls: readonly string[]): Plan {
  const { allow, deny, ...rest } = plan.syscalls
  const kept = deny.filter((name) => !calls.includes(name))
  return { ...plan, syscalls: { ...rest, deny: kept, allow: [...new Set([...allow, ...calls])] } }
}

/** The decoys' own folders, granted like the policy's. */
export function granting(plan: Plan, use: 'read' | 'live', host: string, inside: string): Plan {
  return { ...plan, files: { ...plan.files, [use]: [...plan.files[use], { host, inside }] } }
}

export function covers(folder: string, path: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`)
}
