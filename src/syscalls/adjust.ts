import type { PolicyProblem } from '../errors/index.js'
import { nearest } from '../spelling/index.js'
import { isGated } from './gate.js'
import { ABSENT, REFUSED } from './profile-default.js'
import { type Circumstances, promisedBy } from './promised.js'
import { ALLOW, always, errno, type Profile } from './rule.js'
import { ARCHES, isSyscallName, syscallNumbers } from './table.js'

/** The policy's `syscalls`, without the profile's name. */
export interface Adjustment {
  /** refused on top of the profile, with EPERM */
  readonly deny: readonly string[]
  /** allowed on top of the profile, whatever the arguments */
  readonly allow: readonly string[]
}

/** What pid 1 of the sandbox does before and beside the job, under the same filter. */
export const KEEPER_CALLS: readonly string[] =
  'read write close dup2 dup3 pipe2 openat fstat newfstatat getdents64 fchmod mkdirat unlinkat chdir umask clone fork execve execveat wait4 waitid kill prctl setrlimit prlimit64 setpriority setsid close_range landlock_create_ruleset landlock_add_rule landlock_restrict_self poll ppoll signalfd4 timerfd_create timerfd_settime sendmsg recvmsg clock_gettime getpid exit_group madvise mmap munmap mprotect brk rt_sigaction rt_sigprocmask rt_sigreturn'.split(
    ' ',
  )

/** Behind a gate that filter is not the job's: its own is set last, by its first process, which then does only this. */
export const STARTER_CALLS: readonly string[] = ['execve', 'write', 'exit_group']

/** What allowing one of these opens, for `explain`. */
const OPENS: Readonly<Record<string, string>> = {
  clone: 'new user namespaces, and with them most of the kernel’s privileged code',
  clone3: 'new user namespaces, and with them most of the kernel’s privileged code',
  unshare: 'new user namespaces, and with them most of the kernel’s privileged code',
  openat2: 'files with setuid bits, which act on the host when they leave by a writable grant',
  fchmodat2: 'files with setuid bits, which act on the host when they leave by a writable grant',
  ioctl: 'terminal injection and every driver’s own calls',
  ptrace: 'the memory of every process of the job’s uid that is dumpable',
}

/** Every reason why `adjustment` can't be accepted; empty when it can. Places are `syscalls.deny[0]` and so on. */
export function adjustmentProblems(adjustment: Adjustment, options: Circumstances): readonly PolicyProblem[] {
  const known = ({ name }: Entry) => isSyscallName(name)
  const all = [...entries('deny', adjustment.deny), ...entries('allow', adjustment.allow)]
  return [
    ...all.filter((entry) => !known(entry)).map(unknownName),
    ...all.flatMap((entry) => (known(entry) ? contradiction(entry, adjustment, options) : [])),
  ]
}

/** The profile with the policy's own names on top: allowed first, then denied, so that a no stands. */
export function adjust(profile: Profile, { deny, allow }: Adjustment): Profile {
  const rules = new Map(profile.rules)
  for (const name of allow) rules.set(name, always(ALLOW))
  for (const name of deny) rules.set(name, always(errno('EPERM')))
  return { ...profile, rules }
}

/** One sentence for each allowed name that takes a protection away. */
export function adjustmentWarnings(profile: Profile, { allow }: Adjustment): readonly string[] {
  return [...new Set(allow)].flatMap((name) => {
    const about = groupOf(name)
    const opens = OPENS[name] ?? (about ? `what the default profile refuses under “${about}”` : null)
    if (opens) return [`syscalls.allow: ${name} opens ${opens}`]
    const rule = profile.rules.get(name)
    if (rule !== undefined && rule.clauses.length === 0 && rule.otherwise.kind !== 'allow')
      return [`syscalls.allow: ${name} opens what the compute profile leaves out`]
    const loses = (rule?.clauses.length ?? 0) > 0
    return loses ? [`syscalls.allow: ${name} loses the check of its arguments`] : []
  })
}

interface Entry {
  readonly list: 'deny' | 'allow'
  readonly index: number
  readonly name: string
}

function entries(list: Entry['list'], names: readonly string[]): readonly Entry[] {
  return names.map((name, index) => ({ list, index, name }))
}

function problem({ list, index }: Entry, code: string, what: string, advice: string): PolicyProblem {
  return { code, path: `syscalls.${list}[${index}]`, source: '', line: null, column: null, what, advice }
}

function unknownName(entry: Entry): PolicyProblem {
  const near = nearest(entry.name, new Set(ARCHES.flatMap((arch) => [...syscallNumbers(arch).keys()])))
  const advice = near ? `Did you mean "${near}"?` : 'Names are those of syscalls(2), e.g. "ptrace".'
  return problem(
    entry,
    'syscalls.unknownName',
    `There is no system call ${JSON.stringify(entry.name.slice(0, 64))}.`,
    advice,
  )
}

function contradiction(
  entry: Entry,
  { deny }: Adjustment,
  circumstances: Circumstances,
): readonly PolicyProblem[] {
  const { list, name } = entry
  const ownFilter = isGated(circumstances)
  if (list === 'deny') {
    const needed = ownFilter ? STARTER_CALLS : KEEPER_CALLS
    if (!needed.includes(name)) return []
    const what = ownFilter
      ? `"${name}" can't be denied: the job's command is started under the same filter.`
      : `"${name}" can't be denied: the sandbox's own pid 1 runs under the same filter and needs it.`
    return [problem(entry, 'syscalls.neededInside', what, 'Remove it; limits bound what a job does with it.')]
  }
  if (deny.includes(name)) {
    const what = `"${name}" is both allowed and denied.`
    return [problem(entry, 'syscalls.contradiction', what, 'Keep it in one of the two lists.')]
  }
  const reason = promisedBy(name, circumstances)
  if (reason === null) return []
  return [problem(entry, 'syscalls.promised', `"${name}" can't be allowed: ${reason}.`, 'Remove it.')]
}

function groupOf(name: string): string | null {
  return [...REFUSED, ...ABSENT].find(({ calls }) => calls.includes(name))?.about ?? null
}
