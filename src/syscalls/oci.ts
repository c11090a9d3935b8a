/**
 * The same filters for a container runtime: `linux.seccomp` of the OCI runtime spec, which runc hands to libseccomp, and
 * Docker's inline profile. Set by the runtime right before it executes the sandbox's first process; the job has the exact
 * program besides, so where this one is laxer nothing is lost.
 */
import { type Leaf, leavesOf } from './oci-rule.js'
import { type FilterOptions, firstProfile, jobProfile } from './profiles.js'
import { type Action, ALLOW, always, type Profile, type Rule } from './rule.js'
import { type Arch, syscallNumbers } from './table.js'

/** `linux.seccomp` of config.json: github.com/opencontainers/runtime-spec, config-linux.md. */
export interface OciSeccomp {
  readonly defaultAction: OciAction
  readonly defaultErrnoRet?: number
  readonly architectures: readonly string[]
  readonly syscalls: readonly OciSyscall[]
}

export interface OciSyscall {
  readonly names: readonly string[]
  readonly action: OciAction
  readonly errnoRet?: number
  /** all of them hold; absent: whatever the arguments */
  readonly args?: readonly OciArgument[]
}

export interface OciArgument {
  readonly index: number
  /** the mask of `SCMP_CMP_MASKED_EQ` */
  readonly value: number
  /** what the masked argument is compared with */
  readonly valueTwo?: number
  readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ'
}

export type OciAction = 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO' | 'SCMP_ACT_KILL_PROCESS'

const ACTION = {
  allow: 'SCMP_ACT_ALLOW',
  errno: 'SCMP_ACT_ERRNO',
  kill: 'SCMP_ACT_KILL_PROCESS',
} as const

/** The first is the sandbox's own. The others are named only when a test has left their refusal out. */
const ARCHITECTURES: Readonly<Record<Arch, readonly [string, ...string[]]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
}

/**
 * What runc's own first process, a Go program, does between setting the filter and executing ours (libcontainer's
 * standard_init_linux.go, and the Go runtime's threads beside it), other than what no policy can deny. A denial of these is
 * left to the job's own filter.
 */
export const RUNTIME_CALLS: readonly string[] =
  'futex sched_yield nanosleep tgkill gettid getppid sigaltstack mincore pread64 fcntl readlinkat readlink faccessat faccessat2 statfs fstatfs lseek fchdir getcwd epoll_create1 epoll_ctl epoll_pwait eventfd2 getuid geteuid getgid getegid capget capset setuid setgid setgroups setresuid setresgid set_robust_list set_tid_address rseq sched_getaffinity timer_create timer_settime timer_delete gettimeofday getrandom arch_prctl uname getrlimit'.split(
    ' ',
  )

/**
 * The form of `firstFilter`: what the runtime sets before the sandbox's first process, and so for all of it.
 * @throws PolicyError when `deny` or `allow` names what doesn't exist or what can't be changed
 */
export function ociSeccomp(options: FilterOptions): OciSeccomp {
  const deny = options.deny.filter((name) => !RUNTIME_CALLS.includes(name))
  return ociForm(firstProfile({ ...options, deny }), options.arch)
}

/**
 * The form of the job's own filter, with all that the policy denies.
 * @throws PolicyError as {@link ociSeccomp} does
 */
export function ociJobSeccomp(options: FilterOptions): OciSeccomp {
  return ociForm(jobProfile(options), options.arch)
}

/**
 * {@link ociSeccomp} as the value of Docker's `seccomp=` option. The engine adds ABIs only to a profile with an `archMap`, and
 * picks rules by condition only where `includes` and `excludes` say so. Before 23 it drops `defaultErrnoRet`: the default is
 * EPERM then, so that runc leaves out the rules that say the same, also those for special cases of what is allowed.
 * @throws PolicyError as {@link ociSeccomp} does
 */
export function dockerSeccomp(options: FilterOptions): string {
  const key = JSON.stringify(options)
  const known = said.get(key)
  if (known !== undefined) return known
  const text = JSON.stringify(ociSeccomp(options))
  if (said.size === MOST_SAID) said.clear()
  said.set(key, text)
  return text
}

/** Of a service's few policies: to say one takes 5 ms, of each of its starts. */
const said = new Map<string, string>()
const MOST_SAID = 16

/** Every call that has a name is named, so that no answer rests on the default but those of numbers without a name. */
export function ociForm(profile: Profile, arch: Arch): OciSeccomp {
  const [own, ...others] = ARCHITECTURES[arch]
  const { action, errnoRet } = actionOf(profile.unlisted)
  return {
    defaultAction: action,
    ...(errnoRet === undefined ? {} : { defaultErrnoRet: errnoRet }),
    architectures: profile.otherAbi?.kind === 'allow' ? [own, ...others] : [own],
    syscalls: [...alike(profile, arch).values()].flatMap(({ names, leaves }) =>
      leaves.map((leaf) => syscall(names, leaf)),
    ),
  }
}

interface Alike {
  readonly names: string[]
  readonly leaves: readonly Leaf[]
}

/** Calls with the same answers, in the order of the first of them. */
function alike(profile: Profile, arch: Arch): ReadonlyMap<string, Alike> {
  const groups = new Map<string, Alike>()
  for (const name of syscallNumbers(arch).keys()) {
    const leaves = leavesFor(profile, profile.rules.get(name) ?? always(profile.unlisted))
    if (leaves.length > 1 && leaves.some(({ action }) => sameAction(action, profile.unlisted)))
      throw new RangeError(`${name}: libseccomp has no rule with the default action beside others`)
    const key = JSON.stringify(leaves.map((leaf) => syscall([], leaf)))
    const group = groups.get(key) ?? { names: [], leaves }
    group.names.push(name)
    groups.set(key, group)
  }
  return groups
}

/** Where other ABIs are let through, no argument is looked at: i386 has one call for all of sockets, of which they are no arguments. */
function leavesFor({ otherAbi }: Profile, rule: Rule): readonly Leaf[] {
  const leaves = leavesOf(rule)
  return otherAbi?.kind === 'allow' && leaves.length > 1 ? leavesOf(always(ALLOW)) : leaves
}

function syscall(names: readonly string[], { comparisons, action }: Leaf): OciSyscall {
  const args = comparisons.map(argumentOf)
  return { names, ...actionOf(action), ...(args.length === 0 ? {} : { args }) }
}

function argumentOf({ argument, block }: Leaf['comparisons'][number]): OciArgument {
  // a number in JSON: the mask of all 64 bits would not survive JavaScript's, nor Go's reading of what comes out
  if (block.mask === (1n << 64n) - 1n)
    return { index: argument, value: exact(block.value), op: 'SCMP_CMP_EQ' }
  return {
    index: argument,
    value: exact(block.mask),
    valueTwo: exact(block.value),
    op: 'SCMP_CMP_MASKED_EQ',
  }
}

function exact(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${value} is no number of JSON's`)
  return Number(value)
}

function actionOf(action: Action): Pick<OciSyscall, 'action' | 'errnoRet'> {
  if (action.kind === 'ask') throw new RangeError('a runtime has nobody who answers')
  return action.kind === 'errno'
    ? { action: ACTION.errno, errnoRet: action.errno }
    : { action: ACTION[action.kind] }
}

const sameAction = (a: Action, b: Action) => JSON.stringify(a) === JSON.stringify(b)
