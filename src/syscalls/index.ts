/**
 * From the policy's `syscalls` to the bytes of a seccomp filter. Pure: no file is read and nothing is installed.
 */
import { PolicyError } from '../errors/index.js'
import { type Adjustment, adjust, adjustmentProblems, adjustmentWarnings } from './adjust.js'
import { compileFilter } from './compile.js'
import { PREBUILT } from './prebuilt.js'
import { defaultProfile, type ProfileOptions } from './profile-default.js'
import { type Arch, syscallNumbers } from './table.js'

export { adjustmentProblems } from './adjust.js'
export { requirements } from './requirements.js'
export type { Arch } from './table.js'
export { ARCHES } from './table.js'

export interface FilterOptions extends Adjustment, ProfileOptions {
  readonly arch: Arch
  /** the job writes to folders of the host, where what it makes stays */
  readonly hostWrites?: boolean
  readonly profile: 'default'
}

export interface SyscallFilter {
  /** `struct sock_filter[]`, little-endian: for `bwrap --seccomp FD` or seccomp(2) */
  readonly bytes: Uint8Array
  /** calls that run, some of them only with harmless arguments */
  readonly allowed: number
  /** calls that have a name on this architecture */
  readonly known: number
  /** a sentence for each protection that the policy takes away */
  readonly warnings: readonly string[]
}

/**
 * The program alone, for a start: compiled ahead where the policy adjusts nothing.
 * @throws PolicyError when `deny` or `allow` names what doesn't exist or what can't be changed
 */
export function syscallFilterBytes(options: FilterOptions): Uint8Array {
  const ready = options.deny.length + options.allow.length === 0 ? PREBUILT[prebuiltKey(options)] : undefined
  return ready === undefined ? compiledFilter(options) : Buffer.from(ready.join(''), 'base64')
}

/** What {@link syscallFilterBytes} gives when nothing was compiled ahead. */
export function compiledFilter(options: FilterOptions): Uint8Array {
  return compileFilter(adjustedProfile(options), options.arch)
}

/** Names a filter that is compiled ahead. */
export function prebuiltKey({ arch, profile, inet, cpuPinned, hostFolders }: FilterOptions): string {
  const variants = [inet ? 'inet' : '', cpuPinned ? 'pinned' : '', hostFolders ? 'folders' : '']
  return [profile, arch, ...variants.filter((each) => each !== '')].join('-')
}

/**
 * The filter for one sandbox, and what to say about it.
 * @throws PolicyError when `deny` or `allow` names what doesn't exist or what can't be changed
 */
export function syscallFilter(options: FilterOptions): SyscallFilter {
  const profile = adjustedProfile(options)
  const names = syscallNames(options.arch)
  const runs = names.filter((name) => {
    const rule = profile.rules.get(name)
    return (
      rule !== undefined &&
      [rule.otherwise, ...rule.clauses.map(({ action }) => action)].some(({ kind }) => kind === 'allow')
    )
  })
  return {
    bytes: compileFilter(profile, options.arch),
    allowed: runs.length,
    known: names.length,
    warnings: adjustmentWarnings(defaultProfile(options), options),
  }
}

function adjustedProfile(options: FilterOptions) {
  const [problem, ...more] = adjustmentProblems(options, options)
  if (problem) throw new PolicyError([problem, ...more])
  return adjust(defaultProfile(options), options)
}

/** Names of the system calls of `arch`, in the order of their numbers. */
export function syscallNames(arch: Arch): readonly string[] {
  return [...syscallNumbers(arch).keys()]
}
