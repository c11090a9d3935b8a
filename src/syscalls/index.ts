/**
 * From the policy's `syscalls` to the bytes of a seccomp filter. Pure: no file is read and nothing is installed.
 */
import { adjustmentWarnings } from './adjust.js'
import { compileFilter } from './compile.js'
import { gateBytes, isGated } from './gate.js'
import { PREBUILT } from './prebuilt.js'
import {
  adjustedProfile,
  type FilterOptions,
  firstProfileBehindGate,
  jobProfile,
  profileOf,
} from './profiles.js'
import { decide } from './rule.js'
import { type Arch, syscallNumbers } from './table.js'

export { adjustmentProblems } from './adjust.js'
export { compiledGatewayFilter, gatewayFilter } from './gateway.js'
export {
  dockerSeccomp,
  type OciSeccomp,
  type OciSyscall,
  ociJobSeccomp,
  ociSeccomp,
} from './oci.js'
export { FILTER_PARTS, type FilterPart, openedParts } from './parts.js'
export type { FilterOptions } from './profiles.js'
export { requirements } from './requirements.js'
export type { Arch } from './table.js'
export { ARCHES } from './table.js'

export interface SyscallSurface {
  /** calls that run, some of them only with harmless arguments */
  readonly allowed: number
  /** of those that run: only with some arguments */
  readonly checked: number
  /** calls that have a name on this architecture */
  readonly known: number
}

export interface SyscallFilter extends SyscallSurface {
  /** `struct sock_filter[]`, little-endian: for `bwrap --seccomp FD` or seccomp(2) */
  readonly bytes: Uint8Array
  /** a sentence for each protection that the policy takes away */
  readonly warnings: readonly string[]
}

/**
 * The program alone, for a start: compiled ahead where the policy adjusts nothing.
 * @throws PolicyError when `deny` or `allow` names what doesn't exist or what can't be changed
 */
export function syscallFilterBytes(options: FilterOptions): Uint8Array {
  const ready = isAsItShips(options) && options.deny.length === 0 ? PREBUILT[prebuiltKey(options)] : undefined
  return ready === undefined ? compiledFilter(options) : Buffer.from(ready.join(''), 'base64')
}

/**
 * Set before the sandbox's first process, and so for all of it; see `gate.ts`.
 * @throws PolicyError when `deny` or `allow` names what doesn't exist or what can't be changed
 */
export function firstFilter(options: FilterOptions): Uint8Array {
  return isGated(options) ? keeperFilterBytes(options) : syscallFilterBytes(options)
}

/** Set by the job's first process on itself, right before its program is executed, in this order. */
export interface JobFilters {
  readonly gate: Uint8Array
  readonly filter: Uint8Array
  /** what the job writes to lock itself, and whether it executes nothing all the same; `null`: it can't */
  readonly lock: { readonly line: string; readonly oneExec: boolean } | null
}

/** The descriptor in the job, whose number `GLOVEBOX_LOCK_FD` holds. */
export const LOCK_FD = 3

/** `null`: the first filter says it all. Throws as {@link firstFilter} does. */
export function jobFilters(options: FilterOptions): JobFilters | null {
  if (!isGated(options)) return null
  const { arch, profile, lock, missing = [] } = options
  return {
    gate: gateBytes(options, arch),
    filter: syscallFilterBytes(options),
    lock:
      lock === null
        ? null
        : { line: `lock ${lock}`, oneExec: profile === 'compute' && !missing.includes('once') },
  }
}

/** What the policy denies is for the job's own filter, what it allows must pass this one too. */
function keeperFilterBytes(options: FilterOptions): Uint8Array {
  const ready = isAsItShips(options) ? PREBUILT[`keeper-${options.arch}`] : undefined
  return ready === undefined ? compiledKeeper(options) : Buffer.from(ready.join(''), 'base64')
}

export function compiledKeeper(options: Pick<FilterOptions, 'arch' | 'allow' | 'missing'>): Uint8Array {
  return compileFilter(firstProfileBehindGate(options), options.arch)
}

const isAsItShips = ({ allow, missing = [], tap = false, kvm = false }: FilterOptions) =>
  allow.length + missing.length === 0 && !tap && !kvm

/** What {@link syscallFilterBytes} gives when nothing was compiled ahead. */
export function compiledFilter(options: FilterOptions): Uint8Array {
  return compileFilter(jobProfile(options), options.arch)
}

/** Names a filter that is compiled ahead. */
export function prebuiltKey({ arch, profile, inet, cpuPinned, hostFolders }: FilterOptions): string {
  // of sockets compute has none, whatever else there is
  const some = profile !== 'compute'
  const variants = [
    some && inet ? 'inet' : '',
    cpuPinned ? 'pinned' : '',
    some && hostFolders ? 'folders' : '',
  ]
  return [profile, arch, ...variants.filter((each) => each !== '')].join('-')
}

/**
 * The filter for one sandbox, and what to say about it.
 * @throws PolicyError when `deny` or `allow` names what doesn't exist or what can't be changed
 */
export function syscallFilter(options: FilterOptions): SyscallFilter {
  return {
    bytes: compiledFilter(options),
    ...syscallSurface(options),
    warnings: adjustmentWarnings(profileOf(options), options),
  }
}

/**
 * How much of the kernel the same filter leaves, counted without compiling it.
 * @throws PolicyError as {@link syscallFilter} does
 */
export function syscallSurface(options: FilterOptions): SyscallSurface {
  const { rules } = adjustedProfile(options)
  const names = syscallNames(options.arch)
  const ends = names
    .map((name) => rules.get(name))
    .filter((rule) => rule !== undefined)
    .map(({ otherwise, clauses }) => [otherwise, ...clauses.map(({ action }) => action)])
  const runs = ends.filter((actions) => actions.some(({ kind }) => kind === 'allow'))
  return {
    allowed: runs.length,
    checked: runs.filter((actions) => actions.some(({ kind }) => kind !== 'allow')).length,
    known: names.length,
  }
}

const ALL_ONES = Array<bigint>(6).fill((1n << 64n) - 1n)
/** Numbers beyond the last that has a name: of calls that a newer kernel may have. */
const BEYOND = 64

/**
 * Native numbers that the job's filter refuses when all arguments are all ones, by the error number. Said by the profile
 * itself, not by the program that was compiled from it.
 * @throws PolicyError as {@link syscallFilter} does
 */
export function refusals(options: FilterOptions): ReadonlyMap<number, readonly number[]> {
  const { rules, unlisted } = adjustedProfile(options)
  const names = new Map([...syscallNumbers(options.arch)].map(([name, number]) => [number, name]))
  const refused = new Map<number, number[]>()
  for (let number = 0; number <= Math.max(...names.keys()) + BEYOND; number += 1) {
    const name = names.get(number) ?? ''
    const rule = rules.get(name)
    const action = rule === undefined ? unlisted : decide(rule, ALL_ONES)
    if (action.kind !== 'errno' || PAST_FILTERS.has(name)) continue
    refused.set(action.errno, [...(refused.get(action.errno) ?? []), number])
  }
  return refused
}

/** The kernel asks no filter about them (kernel/seccomp.c): only its own trampolines may make them. */
const PAST_FILTERS: ReadonlySet<string> = new Set(['uretprobe', 'uprobe'])

/** Names of the system calls of `arch`, in the order of their numbers. */
export function syscallNames(arch: Arch): readonly string[] {
  return [...syscallNumbers(arch).keys()]
}
